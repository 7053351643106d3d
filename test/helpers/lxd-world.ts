// The LXD driver over an LXD, without a daemon around it: requests, what it told, and another driver in the place of one that let go.
import { dirname, join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import type { LogFields, Logger } from "../../api/core/log.js";
import { systemClock } from "../../api/core/time.js";
import { type Any, anyOfJson } from "../../api/core/typeurl.js";
import type { CreateTask, DriverDeps, DriverTask, RuntimeDriver, TaskGone } from "../../runtime/driver.js";
import { lxdDriver } from "../../runtime/drivers/lxd/driver.js";
import { LXD_RUNTIME } from "../../runtime/drivers/lxd/names.js";
import { LXD_OPTIONS_TYPE } from "../../runtime/drivers/lxd/options.js";
import { bridgeProgram, endBridge } from "./docker-bridge.js";
import { LXD_BUSYBOX, type Lxd } from "./lxd.js";
import { MemoryLedger } from "./memory-stores.js";
import { ociSpec } from "./oci-spec.js";
import { freshNamespace, tempDir } from "./temp.js";
import { until } from "./until.js";

/** Where it lives is LXD's business. */
export type WorldLxd = Pick<Lxd, "socketPath" | "must" | "run">;

export interface LxdWorld {
  readonly namespace: string;
  readonly rootDir: string;
  readonly stateDir: string;
  /** Of its drivers. */
  readonly deps: DriverDeps;
  /** The one at work now. */
  readonly driver: RuntimeDriver;
  /** What the drivers have reported. */
  readonly gone: readonly TaskGone[];
  /** Messages of the drivers' logs. */
  readonly logged: readonly string[];
  /** A task of the image that every LXD has, without stdio, with these options. */
  request(id: string, options?: object, more?: Partial<CreateTask>): CreateTask;
  /** The driver lets go, and another one finds the tasks. */
  reload(): Promise<DriverTask[]>;
  /** The driver lets go. */
  letGo(): Promise<void>;
  /** Another driver, which finds the tasks. */
  load(): Promise<DriverTask[]>;
  /** LXD's name of a task's instance. */
  instanceOf(id: string): Promise<string>;
  /** Ids of the tasks that have an instance of their own, whatever its state. */
  instances(): Promise<string[]>;
}

/** Options of the runtime. */
export const lxdOptions = (options: object): Any => anyOfJson(LXD_OPTIONS_TYPE, options);

/** A world of its own on a shared LXD. Its instances end with the scope. */
export async function lxdWorld(scope: DisposeScope, lxd: WorldLxd, deps: Partial<DriverDeps> = {}): Promise<LxdWorld> {
  const dir = await tempDir(scope);
  const namespace = freshNamespace(scope);
  const [rootDir, stateDir] = [join(dir, "root"), join(dir, "state")];
  const gone: TaskGone[] = [];
  const logged: string[] = [];
  const note = (fields: LogFields, message: string): void =>
    void logged.push(`${message} ${fields["err"] === undefined ? "" : String(fields["err"])}`);
  const log: Logger = { debug: note, info: note, warn: note, error: note, child: () => log };
  const driverDeps: DriverDeps = {
    rootDir,
    stateDir,
    address: join(dir, "berth.sock"),
    ttrpcAddress: join(dir, "berth.sock.ttrpc"),
    // The bridge is looked for beside it.
    publishBinary: join(dirname(await bridgeProgram(scope, {}, "berth-lxd-bridge")), "berthd"),
    debug: false,
    lxdSocket: lxd.socketPath,
    ledger: new MemoryLedger(),
    log,
    clock: systemClock,
    onTaskGone: async (task) => void gone.push(task),
    ...deps,
  };
  const list = async (): Promise<{ name: string; id: string }[]> => {
    const rows = await lxd.must(["list", "--format", "csv", "-c", "n,user.berth.namespace,user.berth.id"]);
    const fields = rows.split("\n").map((row) => row.split(","));
    return fields.flatMap(([name, ns, id]) =>
      ns === namespace && name !== undefined && id !== undefined ? [{ name, id }] : [],
    );
  };
  scope.defer(() => endBridge(join(stateDir, LXD_RUNTIME, "bridge.sock")));
  let current = lxdDriver.create(driverDeps);
  scope.defer(async () => {
    await current[Symbol.asyncDispose]();
    // Those that are about to end are busy for a moment.
    await until("all instances to go", async () => {
      for (const { name } of await list()) await lxd.run(["delete", "--force", name]);
      return (await list()).length === 0;
    });
  });
  const world: LxdWorld = {
    namespace,
    rootDir,
    stateDir,
    deps: driverDeps,
    gone,
    logged,
    get driver() {
      return current;
    },
    request: (id, options = {}, more = {}) => ({
      namespace,
      id,
      runtime: LXD_RUNTIME,
      image: LXD_BUSYBOX,
      spec: ociSpec({ args: ["sh"], rootfs: "rootfs", cgroupsPath: `/${namespace}/${id}` }).value,
      rootfs: [],
      stdin: "",
      stdout: "",
      stderr: "",
      terminal: false,
      checkpointPath: "",
      options: lxdOptions(options),
      ...more,
    }),
    letGo: async () => await current[Symbol.asyncDispose](),
    async load() {
      current = lxdDriver.create(driverDeps);
      return await current.load(async () => LXD_RUNTIME);
    },
    async reload() {
      await world.letGo();
      return await world.load();
    },
    async instanceOf(id) {
      const [found, ...others] = (await list()).filter((one) => one.id === id);
      if (found === undefined || others.length > 0) throw new Error(`not one instance of task ${id}`);
      return found.name;
    },
    instances: async () => (await list()).map(({ id }) => id),
  };
  return world;
}
