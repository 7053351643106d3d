// Where in a hierarchy a task's group goes, and whether we may make it there.
import { accessSync, constants } from "node:fs";
import { dirname, join, posix } from "node:path";
import { invalidArgument } from "../../api/core/errors.js";
import { hasCode } from "../sys/errno.js";
import type { CgroupMount } from "./cgroup-host.js";

/**
 * The path below the mount. An absolute path counts from the top for root; everything else goes below our own group, as nothing else
 * could be delegated to us.
 * @throws invalid_argument for a path that names no group of its own.
 */
export function groupPath(mount: CgroupMount, path: string, isRoot = process.getuid?.() === 0): string {
  // Made absolute first, so that ".." cannot lead out.
  const below = posix.normalize(`/${path}`).replace(/\/$/, "");
  if (below === "" || below.includes("\0")) throw invalidArgument(`cgroup path ${JSON.stringify(path)}`);
  return isRoot && path.startsWith("/") ? below : posix.join(mount.own, below);
}

/** Whether a new group can be made: asks for the nearest folder that exists. */
export function canMakeGroup(mount: CgroupMount, path: string): boolean {
  for (let folder = join(mount.folder, groupPath(mount, path)); ; folder = dirname(folder)) {
    try {
      accessSync(folder, constants.W_OK);
      // To move a process takes the right to write that of the groups above both; ours is the one that a user may lack.
      accessSync(join(folder, "cgroup.procs"), constants.W_OK);
      return true;
    } catch (error) {
      if (!hasCode(error, "ENOENT") || folder === mount.folder) return false;
    }
  }
}
