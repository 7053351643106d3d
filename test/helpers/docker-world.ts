// The Docker driver over an engine, without a daemon around it: requests, what it told, and another driver in the place of one that
// let go.
import { dirname, join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import type { LogFields, Logger } from "../../api/core/log.js";
import { systemClock } from "../../api/core/time.js";
import { type Any, anyOfJson } from "../../api/core/typeurl.js";
import type { CreateTask, DriverDeps, DriverTask, RuntimeDriver, TaskGone } from "../../runtime/driver.js";
import { dockerDriver } from "../../runtime/drivers/docker/driver.js";
import { DOCKER_RUNTIME } from "../../runtime/drivers/docker/names.js";
import { DOCKER_OPTIONS_TYPE } from "../../runtime/drivers/docker/options.js";
import { bridgeProgram, endBridge } from "./docker-bridge.js";
import { BUSYBOX, type DockerEngine } from "./docker-engine.js";
import { MemoryLedger } from "./memory-stores.js";
import { ociSpec } from "./oci-spec.js";
import { freshNamespace, tempDir } from "./temp.js";

/** Docker's, or one that has its API and a client with the same words. */
export type WorldEngine = Pick<DockerEngine, "host" | "must">;

export interface DockerWorld {
  readonly namespace: string;
  readonly rootDir: string;
  readonly stateDir: string;
  readonly ledger: MemoryLedger;
  /** Of its drivers. */
  readonly deps: DriverDeps;
  /** The one at work now. */
  readonly driver: RuntimeDriver;
  /** What the drivers have reported. */
  readonly gone: readonly TaskGone[];
  /** Messages of the drivers' logs. */
  readonly logged: readonly string[];
  /** A task of busybox without stdio. */
  request(id: string, args: readonly string[], more?: Partial<CreateTask>): CreateTask;
  /** The driver lets go, and another one finds the tasks. */
  reload(): Promise<DriverTask[]>;
  /** The driver lets go. */
  letGo(): Promise<void>;
  /** Another driver, which finds the tasks. */
  load(): Promise<DriverTask[]>;
  /** The engine's id of a task's container. */
  containerId(id: string): Promise<string>;
  /** Ids of the tasks that have a container, whatever its state. */
  containers(): Promise<string[]>;
}

/** Options of the runtime. */
export const dockerOptions = (options: object): Any => anyOfJson(DOCKER_OPTIONS_TYPE, options);

/** A world of its own on a shared engine. Its containers end with the scope. */
export async function dockerWorld(
  scope: DisposeScope,
  engine: WorldEngine,
  deps: Partial<DriverDeps> = {},
): Promise<DockerWorld> {
  const dir = await tempDir(scope);
  const namespace = freshNamespace(scope);
  const [rootDir, stateDir] = [join(dir, "root"), join(dir, "state")];
  const gone: TaskGone[] = [];
  const logged: string[] = [];
  const note = (_fields: LogFields, message: string): void => void logged.push(message);
  const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log };
  const ledger = new MemoryLedger();
  const driverDeps: DriverDeps = {
    rootDir,
    stateDir,
    address: join(dir, "berth.sock"),
    ttrpcAddress: join(dir, "berth.sock.ttrpc"),
    // The bridge is looked for beside it.
    publishBinary: join(dirname(await bridgeProgram(scope)), "berthd"),
    debug: false,
    dockerHost: engine.host,
    ledger,
    log,
    clock: systemClock,
    onTaskGone: async (task) => void gone.push(task),
    ...deps,
  };
  const labels = ["--filter", `label=io.berth.namespace=${namespace}`];
  const list = async (...args: readonly string[]): Promise<string[]> =>
    (await engine.must(["ps", "-a", "--no-trunc", ...labels, ...args])).split("\n").filter((line) => line !== "");
  scope.defer(() => endBridge(join(stateDir, DOCKER_RUNTIME, "bridge.sock")));
  let current = dockerDriver.create(driverDeps);
  scope.defer(async () => {
    await current[Symbol.asyncDispose]();
    const left = await list("-q");
    if (left.length > 0) await engine.must(["rm", "-f", "-v", ...left]);
  });
  const world: DockerWorld = {
    namespace,
    rootDir,
    stateDir,
    ledger,
    deps: driverDeps,
    gone,
    logged,
    get driver() {
      return current;
    },
    request: (id, args, more = {}) => ({
      namespace,
      id,
      runtime: DOCKER_RUNTIME,
      image: BUSYBOX,
      spec: ociSpec({ args, rootfs: "rootfs", cgroupsPath: `/${namespace}/${id}` }).value,
      rootfs: [],
      stdin: "",
      stdout: "",
      stderr: "",
      terminal: false,
      checkpointPath: "",
      ...more,
    }),
    letGo: async () => await current[Symbol.asyncDispose](),
    async load() {
      current = dockerDriver.create(driverDeps);
      return await current.load(async () => DOCKER_RUNTIME);
    },
    async reload() {
      await world.letGo();
      return await world.load();
    },
    async containerId(id) {
      const [found, ...others] = await list("-q", "--filter", `label=io.berth.id=${id}`);
      if (found === undefined || others.length > 0) throw new Error(`not one container of task ${id}`);
      return found;
    },
    containers: () => list("--format", '{{.Label "io.berth.id"}}'),
  };
  return world;
}
