// The end of everything in a group, of either version.
import { groupPids, removeGroup, until, writeIfThere } from "./cgroup-folder.js";

/**
 * Kills until nothing is left; the group is thawed then.
 * @throws failed_precondition when some are still there after 10 s: they hang in the kernel.
 */
export async function killGroup(folder: string): Promise<void> {
  await until(`cgroup ${folder} has processes that cannot be killed`, async () => {
    if ((await groupPids(folder)).length === 0) return true;
    await writeIfThere(folder, "cgroup.kill", 1);
    // Frozen while they are told, so that none can make more of them meanwhile: not every kernel has the file above.
    await writeIfThere(folder, "freezer.state", "FROZEN");
    await writeIfThere(folder, "cgroup.freeze", 1);
    for (const pid of await groupPids(folder)) kill(pid);
    // Frozen processes of version 1 die only now.
    await writeIfThere(folder, "cgroup.freeze", 0);
    await writeIfThere(folder, "freezer.state", "THAWED");
    return (await groupPids(folder)).length === 0;
  });
}

/** Ends groups that somebody else made: all their processes, then themselves. Those that are gone are passed over. */
export async function removeCgroupFolders(folders: readonly string[]): Promise<void> {
  // All are emptied before the first is removed: the processes are the same ones in each.
  for (const folder of folders) await killGroup(folder);
  for (const folder of folders) await removeGroup(folder);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has gone by itself, or the next look finds it again.
  }
}
