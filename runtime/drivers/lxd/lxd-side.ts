// All that talks to LXD on behalf of one driver: the calls, the events, the bridge of the streams, and the tasks they are for.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { DriverDeps, TaskGone } from "../../driver.js";
import { openLxdBridge } from "../../lxd/bridge/client.js";
import { LxdServer } from "../../lxd/server.js";
import { LXD_RUNTIME } from "./names.js";
import { Roster } from "./roster.js";
import { Streams } from "./streams.js";
import { LxdWatch } from "./watch.js";

const BRIDGE_PROGRAM = "berth-lxd-bridge";
const LXD_DIR = "/var/lib/lxd";

export class LxdSide implements AsyncDisposable {
  readonly owner: string;
  readonly server: LxdServer;
  readonly streams: Streams;
  readonly roster: Roster;
  readonly #deps: DriverDeps;
  #watch: LxdWatch | undefined;

  /** Dials nothing yet. */
  constructor(deps: DriverDeps, owner: string, tellGone: (gone: TaskGone) => Promise<void>) {
    const { log, clock, lxdSocket, publishBinary } = deps;
    this.#deps = deps;
    this.owner = owner;
    const socketPath = lxdSocket ?? join(process.env["LXD_DIR"] ?? LXD_DIR, "unix.socket");
    this.server = new LxdServer({ socketPath });
    this.roster = new Roster({ owner, clock, log, tellGone, server: this.server });
    this.streams = new Streams(() => {
      const folder = join(deps.stateDir, LXD_RUNTIME);
      mkdirSync(folder, { recursive: true, mode: 0o711 });
      const program = join(dirname(publishBinary), BRIDGE_PROGRAM);
      return openLxdBridge({ socketPath: join(folder, "bridge.sock"), lxdSocket: socketPath, program, log });
    });
  }

  /** Whether what happens now to instances will be told. */
  get isListening(): boolean {
    return this.#watch?.isListening === true;
  }

  /** Follows LXD's events from now on. */
  watch(): void {
    const { server, roster } = this;
    this.#watch ??= new LxdWatch({
      server,
      log: this.#deps.log,
      onEvent: (event) => roster.heard(event),
      onLook: (isFirst) => roster.compare(isFirst),
    });
  }

  /** Resolves when the tasks have been compared with LXD, when that was found to be away, and after `timeoutMs`. */
  async looked(timeoutMs: number): Promise<void> {
    await Promise.race([this.#watch?.looked, sleep(timeoutMs, undefined, { ref: false })]);
  }

  /** Lets go; the instances go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
    await this.server[Symbol.asyncDispose]();
    await this.streams[Symbol.asyncDispose]();
  }
}
