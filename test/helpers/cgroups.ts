// The cgroups below one of a test's own: kills who is in them and removes them, in every hierarchy of the machine.
import { readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { until } from "./until.js";

const CGROUPS = "/sys/fs/cgroup";

/** Kills every process below a cgroup, thawed first where it is frozen. @param cgroup with a slash in front, the same everywhere. */
export async function killBelow(cgroup: string): Promise<void> {
  const groups = await groupsBelow(cgroup);
  await until(`the processes below ${cgroup} to end`, async () => {
    let isEmpty = true;
    for (const group of groups) {
      const pids = (await readFile(join(group, "cgroup.procs"), "utf8").catch(() => "")).split("\n").filter(Boolean);
      if (pids.length === 0) continue;
      isEmpty = false;
      for (const pid of pids) kill(Number(pid));
      await writeFile(join(group, "freezer.state"), "THAWED").catch(() => undefined);
      await writeFile(join(group, "cgroup.freeze"), "0").catch(() => undefined);
    }
    return isEmpty;
  });
}

/** Kills who is in a cgroup or below it, and removes it with all that is below. One that is not there is fine. */
export async function removeCgroup(cgroup: string): Promise<void> {
  await killBelow(cgroup);
  // A group is busy until its last process has been reaped.
  await until(`the removal of ${cgroup}`, async () => {
    for (const group of (await groupsBelow(cgroup)).reverse()) await rmdir(group).catch(() => undefined);
    return (await groupsBelow(cgroup)).length === 0;
  });
}

/** Folders of the group and of those below it, in every hierarchy, each after its parent. */
async function groupsBelow(cgroup: string): Promise<string[]> {
  const hierarchies = [CGROUPS, ...(await readdir(CGROUPS)).map((name) => join(CGROUPS, name))];
  const found: string[] = [];
  for (const hierarchy of hierarchies) found.push(...(await foldersFrom(`${hierarchy}${cgroup}`)));
  return found;
}

async function foldersFrom(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [];
  const found = [path];
  for (const entry of entries) if (entry.isDirectory()) found.push(...(await foldersFrom(join(path, entry.name))));
  return found;
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It ended by itself meanwhile.
  }
}
