// The maps of a user namespace, as the kernel and OCI specs tell them.
// @source Linux user_namespaces(7), "uid_map and gid_map"; OCI runtime-spec config-linux.md, "User namespace mappings"
import { invalidArgument } from "../../core/errors.js";
import type { IdMap } from "./map-xattr.js";

/** So many users from two first numbers on. */
export interface IdRange {
  readonly inside: number;
  readonly outside: number;
  readonly count: number;
}

/** Whose files are inside a container, and outside. */
export interface UserMap {
  readonly inside: IdMap;
  readonly outside: IdMap;
}

/** What the kernel shows for users that it cannot tell. */
const NOBODY = 65_534;

const SAME: IdMap = { uid: (id) => id, gid: (id) => id };
/** Of containers without a user namespace. */
export const SAME_USERS: UserMap = { inside: SAME, outside: SAME };

/** The lines of /proc/PID/uid_map or gid_map. */
export function parseIdRanges(text: string): IdRange[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
      return { inside, outside, count };
    });
}

/** Files of users that the container does not know belong to nobody inside; users that it cannot have are refused on their way in. */
export function userMapOf(uids: readonly IdRange[], gids: readonly IdRange[]): UserMap {
  return {
    inside: { uid: (id) => toInside(uids, id), gid: (id) => toInside(gids, id) },
    outside: { uid: (id) => toOutside(uids, id), gid: (id) => toOutside(gids, id) },
  };
}

function toInside(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ outside, count }) => id >= outside && id < outside + count);
  return range === undefined ? NOBODY : id - range.outside + range.inside;
}

function toOutside(ranges: readonly IdRange[], id: number): number {
  const range = ranges.find(({ inside, count }) => id >= inside && id < inside + count);
  if (range === undefined) throw invalidArgument(`the container has no user or group ${id}`);
  return id - range.inside + range.outside;
}
