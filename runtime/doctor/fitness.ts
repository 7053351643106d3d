// Whether this host has what the daemon needs: programs for the runtimes that records name, control groups, room on its disks.
import { readFile, stat, statfs } from "node:fs/promises";
import type { Discovery } from "../../api/core/doctor.js";
import { listNames } from "../host-processes.js";
import type { HostView } from "./task-view.js";

/** What clients ask for who ask for nothing. */
const USUAL_RUNTIME = "io.containerd.runc.v2";
const CGROUPS = "/sys/fs/cgroup";
/** Those that limits of containers and their figures come from. */
const CONTROLLERS = ["cpu", "memory", "pids"];
const MIB = 1024 * 1024;
/** The store refuses what makes it grow a little later. */
const FULL_BYTES = 16 * MIB;
/** Of all blocks or inodes. */
const LOW_SHARE = 0.05;

const note = (kind: string, subject: string, detail: string): Discovery => ({
  kind,
  namespace: "",
  subject,
  detail,
  isProblem: false,
});

/** Runtimes that containers ask for; and the usual one, which is a note as long as nobody does. */
export async function* examineRuntimes(view: HostView): AsyncGenerator<Discovery> {
  const askedBy = new Map<string, number>();
  if (view.isRoot) askedBy.set(USUAL_RUNTIME, 0);
  for (const namespace of await view.namespaces()) {
    for await (const { runtime } of view.containers.stream({ namespace })) {
      askedBy.set(runtime.name, (askedBy.get(runtime.name) ?? 0) + 1);
    }
  }
  for (const [runtime, count] of askedBy) {
    const lack = await view.tasks.lacks(runtime);
    if (lack === undefined) continue;
    const whom = count === 1 ? "one container asks" : `${count} containers ask`;
    yield { ...note("runtime-missing", runtime, `${lack}; ${whom} for it`), isProblem: count > 0 };
  }
}

/** A user's daemon gets by without them. */
export async function* examineKernel(view: HostView): AsyncGenerator<Discovery> {
  for (const { name, problem } of view.unusableSnapshotters) yield note("snapshotter-unusable", name, problem);
  if (!view.isRoot) return;
  // The one list of version 2, or a folder for each of version 1.
  const unified = await readFile(`${CGROUPS}/cgroup.controllers`, "utf8").catch(() => "");
  const known = new Set([...unified.trim().split(" "), ...(await listNames(CGROUPS))]);
  for (const name of CONTROLLERS) {
    if (!known.has(name))
      yield note("controller-missing", name, `no control group below ${CGROUPS} counts or limits it`);
  }
}

/** The disks of the folders that the daemon writes to, each once. */
export async function* examineDisks({
  rootDir,
  stateDir,
}: Pick<HostView, "rootDir" | "stateDir">): AsyncGenerator<Discovery> {
  const seen = new Set<number>();
  for (const folder of [rootDir, stateDir]) {
    const { dev } = await stat(folder);
    if (seen.has(dev)) continue;
    seen.add(dev);
    const { bsize, blocks, bavail, files, ffree } = await statfs(folder);
    const freeBytes = bavail * bsize;
    const free = `${Math.floor(freeBytes / MIB)} of ${Math.floor((blocks * bsize) / MIB)} MiB are free`;
    if (freeBytes < FULL_BYTES)
      yield { ...note("disk-full", folder, `${free}; creates are refused soon`), isProblem: true };
    else if (bavail < blocks * LOW_SHARE) yield note("disk-low", folder, free);
    // Some file systems make inodes as they go, and count none.
    if (files > 0 && ffree < files * LOW_SHARE) yield note("disk-low", folder, `${ffree} of ${files} inodes are free`);
  }
}
