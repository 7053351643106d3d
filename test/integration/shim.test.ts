// The shim driver with the runc shim of Debian: the conformance suite, and what only shims have.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { systemClock } from "../../api/core/time.js";
import type { DriverDeps, DriverTask, RuntimeDriver, TaskGone } from "../../runtime/driver.js";
import { shimDriver } from "../../runtime/drivers/shim/driver.js";
import { serveTtrpc } from "../../runtime/ttrpc/server.js";
import { defineShimEventsService } from "../../services/ttrpc/events.js";
import { type DriverSubject, driverConformance } from "../conformance/driver.js";
import { MemoryLedger } from "../helpers/memory-stores.js";
import { ociSpec } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { settledLeftovers } from "../helpers/task-host.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const RUNC = "io.containerd.runc.v2";
const TASKS = "io.containerd.runtime.v2.task";

/** The shim of a container: the parent of its init process. */
async function shimPidOf(bundle: string): Promise<number> {
  const pid = await readFile(join(bundle, "init.pid"), "utf8");
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

async function shimSubject(): Promise<DriverSubject> {
  const scope = new DisposeScope();
  const dir = await tempDir(scope);
  const namespace = freshNamespace(scope);
  const rootfs = await makeRootfs(join(dir, "rootfs"));
  const gone: TaskGone[] = [];
  const address = join(dir, "berth.sock");
  const stateDir = join(dir, "state");
  const deps: DriverDeps = {
    rootDir: join(dir, "root"),
    stateDir,
    address,
    ttrpcAddress: `${address}.ttrpc`,
    publishBinary: "/usr/bin/true",
    debug: false,
    warmShims: 2,
    ledger: new MemoryLedger(),
    log: silentLogger,
    clock: systemClock,
    onTaskGone: async (task) => void gone.push(task),
  };
  scope.use(
    await serveTtrpc({
      path: deps.ttrpcAddress,
      services: [defineShimEventsService({ forward: async () => {} })],
    }),
  );
  const first = scope.use(shimDriver.create(deps));
  let current: RuntimeDriver = first;
  const made = new Set<DriverTask>();
  const driver: RuntimeDriver = {
    checkOptions: (...args) => first.checkOptions(...args),
    load: (...args) => first.load(...args),
    attended: () => first.attended(),
    hasRemains: (...args) => first.hasRemains(...args),
    create: async (...args) => {
      const task = await first.create(...args);
      made.add(task);
      return task;
    },
    [Symbol.asyncDispose]: () => first[Symbol.asyncDispose](),
  };
  const reload = async (): Promise<DriverTask[]> => {
    await current[Symbol.asyncDispose]();
    current = scope.use(shimDriver.create(deps));
    made.clear();
    const found = await current.load(async () => RUNC);
    for (const task of found) made.add(task);
    return found;
  };
  return {
    driver,
    gone,
    request: (id, args) => ({
      namespace,
      id,
      runtime: RUNC,
      image: "",
      spec: ociSpec({ args, rootfs, cgroupsPath: `/${namespace}/${id}` }).value,
      rootfs: [],
      stdin: "",
      stdout: "",
      stderr: "",
      terminal: false,
      checkpointPath: "",
    }),
    destroy: async (id) => {
      process.kill(await shimPidOf(join(stateDir, TASKS, namespace, id)), "SIGKILL");
      await until("the task to be reported gone", () => gone.some((task) => task.id === id));
    },
    reload,
    leftovers: (...ids) =>
      settledLeftovers({ name: "berthd", address, stateDir, pid: 0, log: () => "" }, namespace, ids),
    [Symbol.asyncDispose]: async () => {
      for (const task of made) {
        await task.kill("", 9, true).catch(() => undefined);
        const state = await task.state("").catch(() => undefined);
        if (state === undefined) continue;
        await task.wait("");
        await task.delete("").catch(() => undefined);
      }
      await scope[Symbol.asyncDispose]();
    },
  };
}

driverConformance("shim with runc", shimSubject, { isLacking: requires.runc() });
