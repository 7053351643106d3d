// Which control groups this host has, and where ours is among them: from the kernel's lists of mounts and of our own groups.
import { readFile } from "node:fs/promises";

/** One mounted hierarchy. */
export interface CgroupMount {
  /** Where it is mounted, absolute. */
  readonly folder: string;
  /** Our own group in it, as a path below `folder`: "/" for the root. */
  readonly own: string;
}

export interface CgroupHost {
  /** Version 1: a hierarchy for each controller; several controllers may share one. */
  readonly v1: ReadonlyMap<string, CgroupMount>;
  /** Version 2: one for all controllers. Beside version 1 it has those that version 1 leaves. */
  readonly unified: CgroupMount | undefined;
}

export async function readCgroupHost(): Promise<CgroupHost> {
  const [mounts, groups] = await Promise.all([
    readFile("/proc/self/mountinfo", "utf8"),
    readFile("/proc/self/cgroup", "utf8").catch(() => ""),
  ]);
  return parseCgroupHost(mounts, groups);
}

/** @param mounts as /proc/PID/mountinfo @param groups as /proc/PID/cgroup */
export function parseCgroupHost(mounts: string, groups: string): CgroupHost {
  const own = parseOwnGroups(groups);
  const v1 = new Map<string, CgroupMount>();
  let unified: CgroupMount | undefined;
  for (const line of mounts.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "/", folder] = before.split(" ").map(unescapeMount);
    const [type, , options = ""] = after.split(" ");
    if (folder === undefined) continue;
    if (type === "cgroup2") unified ??= { folder, own: belowRoot(own.get(""), root) };
    if (type !== "cgroup") continue;
    for (const option of options.split(",")) {
      const group = own.get(option);
      // The other options are no controllers, and a named hierarchy has none.
      if (group !== undefined && !v1.has(option)) v1.set(option, { folder, own: belowRoot(group, root) });
    }
  }
  return { v1, unified };
}

/** By controller; the unified hierarchy's is under "". */
function parseOwnGroups(groups: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of groups.split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    for (const controller of controllers?.split(",") ?? []) {
      if (path !== undefined && !controller.startsWith("name=")) own.set(controller, path);
    }
  }
  return own;
}

/** Part of a hierarchy may be mounted; a group outside of it cannot be reached, so its root stands for it. */
function belowRoot(group: string | undefined, root: string): string {
  if (group === undefined || root === "/") return group ?? "/";
  return group.startsWith(`${root}/`) ? group.slice(root.length) : "/";
}

/** Blanks and the like are octal there. */
const unescapeMount = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
