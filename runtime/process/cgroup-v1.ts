// A task's groups in the hierarchies of version 1: one of the same path in each.
// @source opencontainers/runc libcontainer/cgroups/fs
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { notImplemented } from "../../api/core/errors.js";
import type { Any } from "../../api/core/typeurl.js";
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
import type { CgroupHost } from "./cgroup-host.js";
import { killGroup } from "./cgroup-kill.js";
import { canMakeGroup, groupPath } from "./cgroup-path.js";
import { type CgroupSupport, limitsNotKept, NO_CGROUPS } from "./cgroup-support.js";
import { uintOf } from "./cgroup-text.js";
import { v1Settings } from "./cgroup-v1-limits.js";
import { readV1Stats } from "./cgroup-v1-stats.js";
import type { LinuxResources } from "./resources.js";
import type { TaskCgroup } from "./task-cgroup.js";

const FREEZER = "freezer";
const STATE_FILE = "freezer.state";
/** Those that a task joins; without the first there is no group. */
const CONTROLLERS = [FREEZER, "pids", "memory", "cpu", "cpuacct", "cpuset", "blkio"];
const SWAP_LIMIT_FILE = "memory.memsw.limit_in_bytes";

export async function probeV1(host: CgroupHost, path: string): Promise<CgroupSupport> {
  const found = CONTROLLERS.filter((controller) => {
    const mount = host.v1.get(controller);
    return mount !== undefined && canMakeGroup(mount, path);
  });
  const controllers = new Set(found);
  return controllers.has(FREEZER) ? { version: 1, controllers } : NO_CGROUPS;
}

/** @param controllers as {@link probeV1} found them */
export async function makeV1Group(host: CgroupHost, path: string, controllers: ReadonlySet<string>): Promise<CgroupV1> {
  const folders = await Promise.all(
    [...controllers].map(async (controller): Promise<readonly [string, string][]> => {
      const mount = host.v1.get(controller);
      if (mount === undefined) return [];
      const prepare = controller === "cpuset" ? inheritCpuset : undefined;
      return [[controller, await makeGroup(mount.folder, groupPath(mount, path), prepare)]];
    }),
  );
  return new CgroupV1(new Map(folders.flat()));
}

/**
 * A new group of this controller takes no process before it has processors and memory of its own. Without waiting: this is kernel
 * memory, and looked at for every group above each new one.
 */
async function inheritCpuset(folder: string): Promise<void> {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readFileSync(join(folder, file), "utf8").trim() !== "") continue;
    writeFileSync(join(folder, file), readFileSync(join(folder, "..", file), "utf8").trim(), { flag: "r+" });
  }
}

export class CgroupV1 implements TaskCgroup {
  readonly #folders: ReadonlyMap<string, string>;
  readonly #freezer: string;

  /** @param folders by controller, the freezer among them; several may share one */
  constructor(folders: ReadonlyMap<string, string>) {
    this.#folders = folders;
    this.#freezer = folders.get(FREEZER) ?? "";
  }

  get folders(): readonly string[] {
    return [...new Set(this.#folders.values())];
  }

  async add(pid: number): Promise<void> {
    await Promise.all(this.folders.map(async (folder) => await addToGroup(folder, pid)));
  }

  async pids(): Promise<number[]> {
    return await groupPids(this.#freezer);
  }

  async freeze(): Promise<void> {
    try {
      await until(`cgroup ${this.#freezer} cannot be frozen`, async () => {
        // Written each time: a process that was born meanwhile may have kept the group from becoming frozen.
        await writeGroupFile(this.#freezer, STATE_FILE, "FROZEN");
        return (await readGroupFile(this.#freezer, STATE_FILE)).trim() === "FROZEN";
      });
    } catch (error) {
      await this.thaw();
      throw error;
    }
  }

  async thaw(): Promise<void> {
    await writeIfThere(this.#freezer, STATE_FILE, "THAWED");
  }

  async stats(): Promise<Any> {
    return await readV1Stats((controller) => this.#folders.get(controller));
  }

  async update(resources: LinuxResources): Promise<void> {
    const missing = limitsNotKept(resources, { version: 1, controllers: new Set(this.#folders.keys()) });
    if (missing.length > 0) throw notImplemented(missing.join(", "));
    const memory = this.#folders.get("memory");
    const swapLimit = memory === undefined ? undefined : await readIfThere(memory, SWAP_LIMIT_FILE);
    for (const { controller, file, value } of v1Settings(resources, uintOf(swapLimit))) {
      const folder = this.#folders.get(controller);
      if (folder !== undefined) await writeLimit(folder, file, value);
    }
  }

  async remove(): Promise<void> {
    await killGroup(this.#freezer);
    for (const folder of this.folders) await removeGroup(folder);
  }
}
