// Whether the kernel has killed something of a task for want of memory: it counts that in the task's memory group, which is there until
// the task is deleted. The shim's own word comes late, or never when it is about to end.
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type CgroupHost, type CgroupMount, parseCgroupHost } from "../../process/cgroup-host.js";
import { countersOf } from "../../process/cgroup-text.js";

/** Counts processes that were killed for want of memory. */
export class MemoryGroup {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Since the group was made; undefined when it is gone. */
  get kills(): bigint | undefined {
    try {
      return countersOf(readFileSync(this.#file, "utf8"))("oom_kill");
    } catch {
      return undefined;
    }
  }
}

/** Finds the memory groups of tasks on this host. */
export class MemoryGroups {
  #host: CgroupHost | undefined;

  /** That of a process that waits or runs, if it is one of this task's own: a shim's would count for all that it serves. */
  of(pid: number, id: string): MemoryGroup | undefined {
    if (pid === 0) return undefined;
    try {
      this.#host ??= parseCgroupHost(
        readFileSync("/proc/self/mountinfo", "utf8"),
        readFileSync("/proc/self/cgroup", "utf8"),
      );
      return findGroup(this.#host, readFileSync(`/proc/${pid}/cgroup`, "utf8"), id);
    } catch {
      // It has ended, or this host has no such groups.
      return undefined;
    }
  }
}

/** @param groups as /proc/PID/cgroup. Made apart for tests. */
export function findGroup({ v1, unified }: CgroupHost, groups: string, id: string): MemoryGroup | undefined {
  const memory = v1.get("memory");
  const [mount, name, pattern] =
    memory === undefined
      ? ([unified, "memory.events", /^0::(.*)$/m] as const)
      : ([memory, "memory.oom_control", /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m] as const);
  const path = pattern.exec(groups)?.[1];
  if (mount === undefined || path === undefined || !basename(path).includes(id)) return undefined;
  const file = [path, withoutOwn(path, mount)].map((below) => join(mount.folder, below, name)).find(existsSync);
  return file === undefined ? undefined : new MemoryGroup(file);
}

/** Where only a part of the hierarchy is mounted, its top is not in the path: the groups that are made lie below the mount. */
function withoutOwn(path: string, { folder }: CgroupMount): string {
  for (let rest = path; rest !== ""; rest = rest.slice(1).replace(/^[^/]*/, "")) {
    if (existsSync(join(folder, rest))) return rest;
  }
  return path;
}
