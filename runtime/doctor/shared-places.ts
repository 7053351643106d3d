// What lies in places that other engines and clients use too: cgroups named like tasks of ours, pipes that nobody has open. It cannot be
// proved to be ours, so it is told and never touched.
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Discovery } from "../../api/core/doctor.js";
import { listNames, listProcesses, openTargets } from "../host-processes.js";
import { runtimeDirOf } from "../sys/runtime-dir.js";
import { type HostView, keyOf, knownKeys } from "./task-view.js";

const CGROUPS = "/sys/fs/cgroup";
/** Where `ctr` and our client make pipes: root's, and those of the daemon's user. */
const pipeFolders = (): string[] => [
  "/run/containerd/fifo",
  join(runtimeDirOf(process.getuid?.() ?? -1, process.env), "berth", "fifo"),
];
/** Whoever makes pipes opens them soon. */
const YOUNG_MS = 60_000;

/** The group above those of host processes' tasks. */
const PROCESS_GROUP = "berth";

/** How many processes are in each cgroup `<namespace>/<id>`, over all hierarchies; also below the one of host processes. */
async function taskCgroups(namespace: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const hierarchies = [CGROUPS, ...(await listNames(CGROUPS)).map((name) => join(CGROUPS, name))];
  for (const root of hierarchies.flatMap((path) => [path, join(path, PROCESS_GROUP)])) {
    for (const id of await listNames(join(root, namespace))) {
      const processes = await readFile(join(root, namespace, id, "cgroup.procs"), "utf8").catch(() => undefined);
      if (processes === undefined) continue;
      counts.set(id, Math.max(counts.get(id) ?? 0, processes.split("\n").length - 1));
    }
  }
  return counts;
}

export async function* examineCgroups(view: HostView): AsyncGenerator<Discovery> {
  for (const namespace of await view.namespaces()) {
    for (const [id, count] of await taskCgroups(namespace)) {
      if (knownKeys(view).has(keyOf({ namespace, id }))) continue;
      yield {
        kind: "cgroup-without-task",
        namespace,
        subject: `/${namespace}/${id}`,
        detail: count === 0 ? "empty; another engine may keep it" : `${count} processes, perhaps of another engine`,
        isProblem: false,
      };
    }
  }
}

export async function* examinePipes(): AsyncGenerator<Discovery> {
  const folders: string[] = [];
  for (const parent of pipeFolders()) {
    for (const name of await listNames(parent)) {
      const facts = await stat(join(parent, name)).catch(() => undefined);
      if (facts?.isDirectory() && Date.now() - facts.mtimeMs > YOUNG_MS) folders.push(join(parent, name));
    }
  }
  if (folders.length === 0) return;
  const open: string[] = [];
  for (const { pid } of await listProcesses()) open.push(...(await openTargets(pid)));
  for (const subject of folders) {
    if (open.some((target) => target.startsWith(`${subject}/`))) continue;
    yield {
      kind: "pipes-without-user",
      namespace: "",
      subject,
      detail: "no process has them open; the client that made them is gone, or its container waits to be started",
      isProblem: false,
    };
  }
}
