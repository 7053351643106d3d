// A driver without a host: for tests of what is built on drivers, and of embedders' own code. It passes the same conformance
// suite as the real ones.
import { alreadyExists, unknownError } from "../../../api/core/errors.js";
import type { Any } from "../../../api/core/typeurl.js";
import type { CreateTask, DriverDefinition, DriverDeps, DriverTask, RuntimeDriver } from "../../driver.js";
import { FakeContainer, FakeTask } from "./task.js";

/** The runtime name that `fakeDriver` takes. */
export const FAKE_RUNTIME = "io.berth.fake.v1";
const FIRST_PID = 1000;

/** What outlives a driver: the containers. */
export class FakeWorld {
  readonly #containers = new Map<string, FakeContainer>();
  #lastPid = FIRST_PID;
  /** Where `vanish` tells; the driver that was made last puts its own here. */
  onGone: DriverDeps["onTaskGone"] = async () => {};

  /** Pids count up from 1001; no process of the host stands behind them. */
  readonly nextPid = (): number => {
    this.#lastPid += 1;
    return this.#lastPid;
  };

  /** Those that are there, in the order in which they were made. */
  get containers(): readonly FakeContainer[] {
    return [...this.#containers.values()];
  }

  /** @throws already_exists. */
  add(container: FakeContainer): void {
    const key = `${container.namespace}/${container.id}`;
    if (this.#containers.has(key)) throw alreadyExists(`container ${container.id}`);
    container.onDeleted = () => this.#containers.delete(key);
    this.#containers.set(key, container);
  }

  /** @throws a plain Error when it is not there: a test asks for what it made. */
  container(namespace: string, id: string): FakeContainer {
    const container = this.#containers.get(`${namespace}/${id}`);
    if (container === undefined) throw new Error(`no container ${namespace}/${id}`);
    return container;
  }

  /** The container dies and nobody deletes it, as when a shim is killed. */
  async vanish(namespace: string, id: string): Promise<void> {
    const container = this.container(namespace, id);
    container.destroy();
    container.onDeleted();
    await this.onGone({ namespace, id, exit: container.init.exit, reason: "vanished" });
  }
}

class FakeDriver implements RuntimeDriver {
  readonly #deps: DriverDeps;
  readonly #world: FakeWorld;

  constructor(deps: DriverDeps, world: FakeWorld) {
    this.#deps = deps;
    this.#world = world;
    world.onGone = deps.onTaskGone;
  }

  checkOptions(runtime: string, options: Any | undefined): { readonly checkpointPath: string } {
    if (options !== undefined && options.typeUrl !== "") {
      throw unknownError(`invalid task create option for ${runtime}`);
    }
    return { checkpointPath: "" };
  }

  async create(request: CreateTask): Promise<DriverTask> {
    const container = new FakeContainer(request, this.#world.nextPid, this.#deps.clock);
    this.#world.add(container);
    return new FakeTask(container);
  }

  async load(): Promise<DriverTask[]> {
    return this.#world.containers.map((container) => new FakeTask(container));
  }

  attended(): readonly [] {
    return [];
  }

  async hasRemains(namespace: string, id: string): Promise<boolean> {
    return this.#world.containers.some((container) => container.namespace === namespace && container.id === id);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** Takes the runtime `io.berth.fake.v1`. Drivers made over the same world find each other's containers. */
export function fakeDriver(world: FakeWorld = new FakeWorld()): DriverDefinition {
  return {
    name: "fake",
    matches: (runtime) => runtime === FAKE_RUNTIME,
    create: (deps) => new FakeDriver(deps, world),
  };
}
