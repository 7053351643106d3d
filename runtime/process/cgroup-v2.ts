// A task's group in the one hierarchy of version 2.
// @source opencontainers/runc libcontainer/cgroups/fs2; kernel Documentation/admin-guide/cgroup-v2.rst
import { dirname, join, posix } from "node:path";
import { notImplemented } from "../../api/core/errors.js";
import type { Any } from "../../api/core/typeurl.js";
import { hasCode } from "../sys/errno.js";
import {
  addToGroup,
  groupPids,
  makeGroup,
  readGroupFile,
  readIfThere,
  removeGroup,
  until,
  writeGroupFile,
  writeIfThere,
  writeLimit,
} from "./cgroup-folder.js";
import type { CgroupMount } from "./cgroup-host.js";
import { killGroup } from "./cgroup-kill.js";
import { canMakeGroup, groupPath } from "./cgroup-path.js";
import { type CgroupSupport, limitsNotKept, NO_CGROUPS } from "./cgroup-support.js";
import { countersOf } from "./cgroup-text.js";
import { v2Settings } from "./cgroup-v2-limits.js";
import { readV2Stats } from "./cgroup-v2-stats.js";
import type { LinuxResources } from "./resources.js";
import type { TaskCgroup } from "./task-cgroup.js";

const WANTED = ["cpu", "cpuset", "memory", "pids", "io"];
const DELEGATED_FILE = "cgroup.subtree_control";
const FREEZE_FILE = "cgroup.freeze";

const wordsOf = (text: string | undefined): string[] => (text ?? "").split(/\s+/).filter((word) => word !== "");

/**
 * A group with processes in it cannot hand controllers down (the root of all can): below such a one only those are to be had that
 * somebody has handed down already.
 */
export async function probeV2(mount: CgroupMount, path: string): Promise<CgroupSupport> {
  if (!canMakeGroup(mount, path)) return NO_CGROUPS;
  const top = topOf(mount, path);
  const isRootOfAll = (await readIfThere(top, "cgroup.type")) === undefined;
  const canDelegate = isRootOfAll || (await readIfThere(top, "cgroup.procs")) === "";
  const controllers = wordsOf(await readIfThere(top, canDelegate ? "cgroup.controllers" : DELEGATED_FILE));
  return { version: 2, controllers: new Set(controllers.filter((name) => WANTED.includes(name))) };
}

/** The group from which ours get their controllers. */
function topOf(mount: CgroupMount, path: string): string {
  const isBelowOwn = groupPath(mount, path).startsWith(`${posix.join(mount.own, "/")}`);
  return join(mount.folder, isBelowOwn ? mount.own : "/");
}

/** With every controller that can be had. */
export async function makeV2Group(mount: CgroupMount, path: string): Promise<CgroupV2> {
  const top = topOf(mount, path);
  const folder = await makeGroup(mount.folder, groupPath(mount, path), async (made) => {
    if (made.startsWith(top)) await delegate(dirname(made));
  });
  return new CgroupV2(folder);
}

/** Hands controllers down to the groups in this one, each as far as it may be. */
async function delegate(folder: string): Promise<void> {
  const given = wordsOf(await readIfThere(folder, DELEGATED_FILE));
  for (const name of wordsOf(await readIfThere(folder, "cgroup.controllers"))) {
    if (!WANTED.includes(name) || given.includes(name)) continue;
    await writeGroupFile(folder, DELEGATED_FILE, `+${name}`).catch((error: unknown) => {
      if (!hasCode(error, "EBUSY", "EACCES", "EPERM", "EINVAL", "ENOENT", "EOPNOTSUPP")) throw error;
    });
  }
}

export class CgroupV2 implements TaskCgroup {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  get folders(): readonly string[] {
    return [this.#folder];
  }

  async controllers(): Promise<ReadonlySet<string>> {
    return new Set(wordsOf(await readIfThere(this.#folder, "cgroup.controllers")));
  }

  async add(pid: number): Promise<void> {
    await addToGroup(this.#folder, pid);
  }

  async pids(): Promise<number[]> {
    return await groupPids(this.#folder);
  }

  async freeze(): Promise<void> {
    try {
      await writeGroupFile(this.#folder, FREEZE_FILE, 1);
      await until(
        `cgroup ${this.#folder} cannot be frozen`,
        async () => countersOf(await readGroupFile(this.#folder, "cgroup.events"))("frozen") === 1n,
      );
    } catch (error) {
      await this.thaw();
      throw error;
    }
  }

  async thaw(): Promise<void> {
    await writeIfThere(this.#folder, FREEZE_FILE, 0);
  }

  async stats(): Promise<Any> {
    return await readV2Stats(this.#folder);
  }

  async update(resources: LinuxResources): Promise<void> {
    const missing = limitsNotKept(resources, { version: 2, controllers: await this.controllers() });
    if (missing.length > 0) throw notImplemented(missing.join(", "));
    for (const { file, value } of v2Settings(resources, await readIfThere(this.#folder, "cpu.max"))) {
      await writeLimit(this.#folder, file, value);
    }
  }

  async remove(): Promise<void> {
    await killGroup(this.#folder);
    await removeGroup(this.#folder);
  }
}
