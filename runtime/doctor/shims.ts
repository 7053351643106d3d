// Shims that were started for this daemon and serve no task of it.
import { setTimeout as delay } from "node:timers/promises";
import type { Discovery } from "../../api/core/doctor.js";
import { readSavedSocket } from "../drivers/shim/saved-shim.js";
import { listProcesses, listShims, readProcess, type ShimProcess, socketPaths } from "../host-processes.js";
import { type HostView, keyOf, knownKeys } from "./task-view.js";

/** How long a killed process may take to go, and the time between two looks. */
const END_MS = 5_000;
const PAUSE_MS = 20;

/** The sockets of the shims that serve tasks: one shim may serve several, under the name of the first. */
async function servingSockets(view: HostView): Promise<ReadonlySet<string>> {
  const sockets = new Set<string>();
  for (const { bundle } of view.tasks.known()) {
    const path = await readSavedSocket(bundle);
    if (path !== undefined) sockets.add(path);
  }
  return sockets;
}

/** Whether the process of this pid is still the same one, and has no container below it. */
async function isIdle({ pid, startTicks }: ShimProcess): Promise<boolean> {
  if ((await readProcess(pid))?.startTicks !== startTicks) return false;
  return !(await listProcesses()).some(({ parentPid }) => parentPid === pid);
}

/** What comes next looks whether the shim is still there. */
async function hasEnded(view: HostView, { pid }: ShimProcess): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < END_MS; waitedMs += PAUSE_MS) {
    if (!(await listShims(view.address)).some((shim) => shim.pid === pid)) return true;
    await delay(PAUSE_MS);
  }
  return false;
}

export async function* examineShims(view: HostView): AsyncGenerator<Discovery> {
  const serving = await servingSockets(view);
  for (const shim of await listShims(view.address)) {
    if (knownKeys(view).has(keyOf(shim)) || view.tasks.attended().some((name) => keyOf(name) === keyOf(shim))) continue;
    if ((await socketPaths(shim.pid)).some((path) => serving.has(path))) continue;
    const idle = await view.tasks.whileAbsent(shim, () => isIdle(shim));
    if (idle === undefined) continue;
    const end = async (): Promise<boolean> => {
      if (!(await isIdle(shim))) return false;
      process.kill(shim.pid, "SIGKILL");
      return await hasEnded(view, shim);
    };
    yield {
      kind: "shim-without-task",
      namespace: shim.namespace,
      subject: `process ${shim.pid}`,
      detail: `started for ${shim.id}; ${idle ? "it holds no container" : "it still holds a container"}`,
      isProblem: true,
      repair: idle ? async () => (await view.tasks.whileAbsent(shim, end)) === true : undefined,
    };
  }
}
