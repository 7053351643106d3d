// All that talks to the engine on behalf of one driver: the calls, the events, the bridge of the streams, and the tasks they are for.
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openBridge } from "../../docker/bridge/client.js";
import { type Engine, openEngine } from "../../docker/engine.js";
import type { DriverDeps, TaskGone } from "../../driver.js";
import { EngineWatch } from "./engine-watch.js";
import { ownedBy } from "./labels.js";
import { DOCKER_RUNTIME } from "./names.js";
import { Roster } from "./roster.js";
import { Streams } from "./streams.js";

const BRIDGE_PROGRAM = "berth-docker-bridge";

export class EngineSide implements AsyncDisposable {
  readonly owner: string;
  readonly engine: Engine;
  readonly streams: Streams;
  readonly roster: Roster;
  readonly #deps: DriverDeps;
  #watch: EngineWatch | undefined;

  /** Dials nothing yet. @throws invalid_argument for an address that is none. */
  constructor(deps: DriverDeps, owner: string, tellGone: (gone: TaskGone) => Promise<void>) {
    const { log, clock, dockerHost, publishBinary } = deps;
    this.#deps = deps;
    this.owner = owner;
    this.engine = openEngine({ host: dockerHost });
    this.roster = new Roster({ owner, clock, log, tellGone });
    this.streams = new Streams(() => {
      const folder = join(deps.stateDir, DOCKER_RUNTIME);
      mkdirSync(folder, { recursive: true, mode: 0o711 });
      const socketPath = join(folder, "bridge.sock");
      const program = join(dirname(publishBinary), BRIDGE_PROGRAM);
      return openBridge({ socketPath, host: this.engine.host, program, log });
    });
  }

  /** Follows the engine's events from now on. */
  watch(): void {
    const { engine, roster } = this;
    this.#watch ??= new EngineWatch({
      engine,
      filters: ownedBy(this.owner),
      log: this.#deps.log,
      onEvent: (event) => roster.heard(event),
      onLook: (isFirst) => roster.compare(engine, isFirst),
    });
  }

  /** Resolves when the tasks have been compared with the engine, when that was found to be away, and after `timeoutMs`. */
  async looked(timeoutMs: number): Promise<void> {
    await Promise.race([this.#watch?.looked, sleep(timeoutMs, undefined, { ref: false })]);
  }

  /** Lets go; the containers go on. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#watch?.[Symbol.asyncDispose]();
    await this.engine[Symbol.asyncDispose]();
    await this.streams[Symbol.asyncDispose]();
  }
}
