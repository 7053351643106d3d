// The shim driver with our own shim: the conformance suite, over processes of the host.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { systemClock } from "../../api/core/time.js";
import type { DriverDeps, DriverTask, RuntimeDriver, TaskGone } from "../../runtime/driver.js";
import { shimDriver } from "../../runtime/drivers/shim/driver.js";
import { serveTtrpc } from "../../runtime/ttrpc/server.js";
import { defineShimEventsService } from "../../services/ttrpc/events.js";
import { type DriverSubject, driverConformance } from "../conformance/driver.js";
import { taskShimPid } from "../helpers/leftovers.js";
import { MemoryLedger } from "../helpers/memory-stores.js";
import { PROCESS_RUNTIME, processShimFolder, processSpec } from "../helpers/process-shim.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const TASKS = "io.containerd.runtime.v2.task";
/** The task that must not share its keeper with the others. */
const APART = "other";

async function processSubject(): Promise<DriverSubject> {
  const scope = new DisposeScope();
  const dir = await tempDir(scope);
  const namespaces = [freshNamespace(scope), freshNamespace(scope)] as const;
  const namespaceOf = (id: string): string => namespaces[id === APART ? 1 : 0];
  const gone: TaskGone[] = [];
  const address = join(dir, "berth.sock");
  const stateDir = join(dir, "state");
  const deps: DriverDeps = {
    rootDir: join(dir, "root"),
    stateDir,
    address,
    ttrpcAddress: `${address}.ttrpc`,
    // Shims are looked for beside it.
    publishBinary: join(await processShimFolder(scope), "berthd"),
    debug: false,
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
  let current: RuntimeDriver = scope.use(shimDriver.create(deps));

  const entries = async (path: string): Promise<string[]> => await readdir(path).catch(() => []);
  return {
    get driver() {
      return current;
    },
    gone,
    // Root makes them wherever it likes; a user where they were handed over.
    mayLackGroups: process.getuid?.() !== 0,
    request: (id, args) => ({
      namespace: namespaceOf(id),
      id,
      runtime: PROCESS_RUNTIME,
      image: "",
      spec: processSpec(args).value,
      rootfs: [],
      stdin: "",
      stdout: "",
      stderr: "",
      terminal: false,
      checkpointPath: "",
    }),
    async destroy(id) {
      process.kill(await taskShimPid(stateDir, namespaceOf(id), id), "SIGKILL");
      await until("the driver to report it", () => gone.some((task) => task.id === id));
    },
    async reload(): Promise<DriverTask[]> {
      await current[Symbol.asyncDispose]();
      current = scope.use(shimDriver.create(deps));
      return await current.load(async () => PROCESS_RUNTIME);
    },
    async leftovers(...ids) {
      const found: string[] = [];
      for (const namespace of namespaces) {
        const bundles = await entries(join(stateDir, TASKS, namespace));
        found.push(...ids.filter((id) => bundles.includes(id)).map((id) => `bundle ${id}`));
        for (const controller of await entries("/sys/fs/cgroup")) {
          const groups = await entries(join("/sys/fs/cgroup", controller, "berth", namespace));
          found.push(...ids.filter((id) => groups.includes(id)).map((id) => `cgroup ${controller} of ${id}`));
        }
      }
      return found;
    },
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

driverConformance("shim with processes of the host", processSubject);
