// The daemon's way to its bridge, kept up: starts one when there is none, and attaches again what a bridge that died had to carry.
import { setTimeout as sleep } from "node:timers/promises";
import { unavailable } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import { bringUp } from "../detached/bring-up.js";
import { lockStart } from "../detached/start-lock.js";
import { systemReason } from "../sys/system-text.js";
import { type Asked, BridgeConnection } from "./bridge-connection.js";

/** For another daemon that is starting one. */
const LOCK_TIMEOUT_MS = 30_000;
/** Between attempts to bring one back. */
const SHORTEST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

type AskedStream = Extract<Asked, { verb: "open" }>;

interface KnownStream {
  readonly asked: AskedStream;
  readonly isReopenable: boolean;
}

export interface BridgeLinkOptions {
  /** How messages call the bridge. */
  readonly name: string;
  readonly socketPath: string;
  readonly program: string;
  readonly log: Logger;
  readonly onLost?: (keys: readonly string[]) => void;
}

/** Disposing closes the connection. */
export class BridgeLink implements AsyncDisposable {
  readonly #options: BridgeLinkOptions;
  /** What the bridge carries for us, as far as it was asked in this daemon's life. */
  readonly #streams = new Map<string, KnownStream>();
  #connection: Promise<BridgeConnection | undefined> | undefined;
  #isDisposed = false;

  constructor(options: BridgeLinkOptions) {
    this.#options = options;
  }

  /**
   * Asks a bridge for a stream; starts one when none runs. A stream that is reopenable is asked for again when its bridge is lost.
   * @throws what the bridge answers; unavailable when there is none.
   */
  async open(
    asked: AskedStream,
    { isReopenable }: { readonly isReopenable: boolean },
    signal?: AbortSignal,
  ): Promise<void> {
    const connection = await this.#connected(true);
    if (connection === undefined) throw unavailable(this.#options.name);
    await connection.ask(asked, signal);
    this.#streams.set(asked.key, { asked, isReopenable });
  }

  forget(key: string): void {
    this.#streams.delete(key);
  }

  /**
   * A bridge that does not run, and cannot be brought back, has no streams to speak of: undefined. Asks the next one when one ends
   * before its answer.
   */
  async askIfRunning(asked: Asked, signal?: AbortSignal): Promise<string[] | undefined> {
    while (!this.#isDisposed) {
      const connection = await this.#connected(false).catch((err: unknown) => {
        this.#options.log.warn({ err }, `no ${this.#options.name}`);
        return undefined;
      });
      if (connection === undefined) return undefined;
      try {
        return await connection.ask(asked, signal);
      } catch (error) {
        if (!connection.isClosed || signal?.aborted === true) throw error;
      }
    }
    throw unavailable(this.#options.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    const connection = await this.#connection?.catch(() => undefined);
    connection?.[Symbol.dispose]();
    await connection?.closed;
  }

  /** @returns the connection, the same for all; undefined when no bridge runs, none is needed and none was lost. */
  async #connected(isNeeded: boolean): Promise<BridgeConnection | undefined> {
    for (;;) {
      if (this.#isDisposed) throw unavailable(this.#options.name);
      const known = this.#connection;
      if (known === undefined) {
        this.#connection = this.#make(isNeeded);
        return await this.#connection;
      }
      const connection = await known.catch(() => undefined);
      if (connection?.isClosed === false) return connection;
      if (this.#connection === known) this.#connection = undefined;
    }
  }

  async #make(isNeeded: boolean): Promise<BridgeConnection | undefined> {
    const connection = await this.#reach(isNeeded || this.#streams.size > 0);
    if (connection === undefined) return undefined;
    try {
      await this.#restore(connection);
    } catch (error) {
      connection[Symbol.dispose]();
      throw error;
    }
    void connection.closed.then(() => this.#keepUp());
    return connection;
  }

  async #reach(isNeeded: boolean): Promise<BridgeConnection | undefined> {
    const { name, socketPath, program, log } = this.#options;
    const running = await BridgeConnection.open(name, socketPath, log);
    if (running !== undefined || !isNeeded) return running;
    using _lock = await lockStart(socketPath, LOCK_TIMEOUT_MS);
    const other = await BridgeConnection.open(name, socketPath, log);
    if (other !== undefined) return other;
    try {
      await bringUp({ program, args: [socketPath], name });
    } catch (error) {
      throw unavailable(`${name} ${program}: ${systemReason(error)}`, error);
    }
    return await BridgeConnection.open(name, socketPath, log);
  }

  /** A bridge that does not know our streams is another one than that which had them. */
  async #restore(connection: BridgeConnection): Promise<void> {
    if (this.#streams.size === 0) return;
    const known = new Set(await connection.ask({ verb: "keys" }));
    const lost = [...this.#streams.values()].filter(({ asked }) => !known.has(asked.key));
    if (lost.length === 0) return;
    const keys = lost.map(({ asked }) => asked.key);
    this.#options.log.warn({ keys }, `the ${this.#options.name} ended with streams under way`);
    this.#options.onLost?.(keys);
    await Promise.all(lost.map((stream) => this.#openAgain(connection, stream)));
  }

  async #openAgain(connection: BridgeConnection, { asked, isReopenable }: KnownStream): Promise<void> {
    try {
      if (isReopenable) await connection.ask({ ...asked, again: true });
      else this.#streams.delete(asked.key);
    } catch (err) {
      if (connection.isClosed) throw err;
      this.#streams.delete(asked.key);
      this.#options.log.warn({ err, key: asked.key }, `no stream from the ${this.#options.name}`);
    }
  }

  /** The connection has ended. What the bridge carried goes on at once, not when somebody asks for it. */
  async #keepUp(): Promise<void> {
    let pauseMs = SHORTEST_PAUSE_MS;
    while (!this.#isDisposed && this.#streams.size > 0) {
      try {
        await this.#connected(false);
        return;
      } catch (err) {
        this.#options.log.warn({ err }, `no ${this.#options.name}`);
      }
      await sleep(pauseMs, undefined, { ref: false });
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
}
