// A task manager over a world in memory: containers, ledger and the fake driver, for tests of the manager's own part.
import { silentLogger } from "../../api/core/log.js";
import type { CreateTaskOptions, ExecOptions } from "../../api/core/task.js";
import type { Any } from "../../api/core/typeurl.js";
import type { DriverDefinition } from "../../runtime/driver.js";
import { FAKE_RUNTIME, FakeWorld, fakeDriver } from "../../runtime/drivers/fake/driver.js";
import { TaskManager } from "../../runtime/task-manager.js";
import { MemoryContainers, MemoryLedger } from "./memory-stores.js";
import { ociProcess, ociSpec } from "./oci-spec.js";

export const FOREVER: readonly string[] = ["sleep", "1000"];
export const NO_STDIO = { stdin: "", stdout: "", stderr: "", terminal: false };
export const CREATE: CreateTaskOptions = { ...NO_STDIO, rootfs: [] };
export const execOf = (...args: string[]): ExecOptions => ({ ...NO_STDIO, spec: ociProcess(args) });

export class FakeTasks {
  readonly ctx = { namespace: "ns" };
  readonly world = new FakeWorld();
  readonly ledger = new MemoryLedger();
  readonly containers = new MemoryContainers();
  readonly #driver: DriverDefinition;
  #nowNs = 1_000n;
  tasks: TaskManager;

  /** @param makeDriver default: the fake driver as it is. */
  constructor(makeDriver: (world: FakeWorld) => DriverDefinition = fakeDriver) {
    this.#driver = makeDriver(this.world);
    this.tasks = this.#makeManager();
  }

  /** The manager of a daemon's successor, in the same world. */
  restart(): TaskManager {
    this.tasks = this.#makeManager();
    return this.tasks;
  }

  /** A record of namespace `ns`. */
  container(
    id: string,
    args: readonly string[] = FOREVER,
    options?: Any,
    annotations: Readonly<Record<string, string>> = {},
  ): void {
    const spec = ociSpec({ args, rootfs: "rootfs", cgroupsPath: `/ns/${id}`, annotations });
    this.containers.add("ns", id, { name: FAKE_RUNTIME, options }, spec);
  }

  /** Its task, started. @returns the pid. */
  async running(id: string, args?: readonly string[], annotations?: Readonly<Record<string, string>>): Promise<number> {
    this.container(id, args, undefined, annotations);
    const { pid } = await this.tasks.create(this.ctx, id, CREATE);
    await this.tasks.start(this.ctx, id, "");
    return pid;
  }

  #makeManager(): TaskManager {
    return new TaskManager({
      drivers: [this.#driver],
      containers: this.containers,
      ledger: this.ledger,
      log: silentLogger,
      // Every look at the clock is another moment.
      clock: () => {
        this.#nowNs += 1n;
        return this.#nowNs;
      },
      rootDir: "/root",
      stateDir: "/state",
      address: "/a.sock",
      ttrpcAddress: "/a.sock.ttrpc",
      publishBinary: "/berthd",
      debug: false,
    });
  }
}
