// The bridge itself: takes requests from the daemon and carries streams until nobody needs it any more.

import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { ControlConnection } from "./control-connection.js";
import { encode } from "./protocol.js";
import { shortAddress } from "./socket-address.js";
import type { StreamTable } from "./streams.js";
import type { TaskStreamDeps } from "./task-stream.js";
import { TellingLog } from "./telling-log.js";

/** For a daemon that was just told that it runs, or that is being started once more. */
const IDLE_MS = 10_000;
const PATIENCE_MS = 600_000;
const SOCKET_MODE = 0o600;
const MAX_UNTOLD_BYTES = 1024 * 1024;

export interface BridgeServerOptions {
  readonly socketPath: string;
  /** Makes what it serves; `onEnd` is to be called when one stream has ended or is gone. */
  readonly streams: (deps: TaskStreamDeps, onEnd: () => void) => StreamTable;
  /** How long it stays without streams and connections. Default: 10 s. */
  readonly idleMs?: number;
  /** How long it waits for an engine that is away while no daemon is connected. Default: 10 minutes. */
  readonly patienceMs?: number;
  readonly onReady: () => void;
}

/** Serves until it is idle or {@link BridgeServer.asked} to end. */
export class BridgeServer {
  readonly log = new TellingLog((entry) => this.#tell(entry));
  readonly #options: BridgeServerOptions;
  readonly #streams: StreamTable;
  readonly #sockets = new Set<Socket>();
  readonly #over: Promise<void>;
  #end: () => void = () => {};
  #isEnding = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: BridgeServerOptions) {
    this.#options = options;
    const deps = { log: this.log, isPatient: (awayMs: number) => this.#isPatient(awayMs) };
    this.#streams = options.streams(deps, () => this.#look());
    this.#over = new Promise((resolve) => {
      this.#end = () => {
        this.#isEnding = true;
        resolve();
      };
    });
  }

  /** Resolves when it has ended. @throws when it cannot listen. */
  async serve(): Promise<void> {
    const { socketPath, onReady } = this.#options;
    using address = shortAddress(socketPath);
    const server = createServer((socket) => this.#connected(socket));
    // Whoever starts a bridge has made sure that nobody listens there.
    rmSync(socketPath, { force: true });
    await listen(server, address.path);
    chmodSync(socketPath, SOCKET_MODE);
    onReady();
    this.#look();
    await this.#over;
    clearTimeout(this.#timer);
    const closed = once(server, "close");
    server.close();
    for (const socket of this.#sockets) socket.destroy();
    await this.#streams[Symbol.asyncDispose]();
    await closed;
  }

  /** Somebody stops the services of this host, which must not cut tasks off: with streams it stays. */
  asked(): void {
    if (this.#streams.active === 0) this.#end();
  }

  /** When neither its daemon nor its engine comes back, a bridge must not wait for ever. */
  #isPatient(awayMs: number): boolean {
    return this.#sockets.size > 0 || awayMs < (this.#options.patienceMs ?? PATIENCE_MS);
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    clearTimeout(this.#timer);
    const connection = new ControlConnection(socket, this.#streams, this.log);
    void connection.serve().finally(() => {
      this.#sockets.delete(socket);
      this.#look();
    });
  }

  /** Something has ended: perhaps it was the last. */
  #look(): void {
    clearTimeout(this.#timer);
    if (this.#isEnding || this.#sockets.size > 0 || this.#streams.active > 0) return;
    this.#timer = setTimeout(() => this.#end(), this.#options.idleMs ?? IDLE_MS);
  }

  #tell(entry: Parameters<typeof encode>[0]): void {
    const line = encode(entry);
    for (const socket of this.#sockets) {
      // A daemon that does not listen is not told for ever.
      if (socket.writable && socket.writableLength < MAX_UNTOLD_BYTES) socket.write(line);
    }
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    // From the first moment it is its owner's alone.
    const mask = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(mask);
  });
}
