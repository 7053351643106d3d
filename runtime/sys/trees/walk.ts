// Two trees side by side, name by name in the order of bytes: what was added, changed, deleted, or is as it was. Folders are opened
// one from the other and no link is followed, so a tree that changes meanwhile leads nowhere else.
// @source containerd/continuity fs/diff.go (doubleWalkDiff)
import { constants } from "node:os";
import { check, closeFd, type FileStatus, openFolderAt, statAt } from "../at.js";
import { isFolder, isSame, type Place } from "./compare.js";
import { listFolder } from "./remove-tree.js";

export type Change =
  | { readonly kind: "deleted"; readonly path: string }
  | ({ readonly kind: "added" | "modified" | "unmodified"; readonly path: string } & Place);

const listOrNone = (fd: number | undefined): string[] => (fd === undefined ? [] : listFolder(fd));

function statusOf(folder: number | undefined, name: string): FileStatus | undefined {
  const status = folder === undefined ? -constants.errno.ENOENT : statAt(folder, name);
  if (typeof status !== "number") return status;
  // It went while we walked, or was never on this side.
  if (status !== -constants.errno.ENOENT) check(status, "stat", name);
  return undefined;
}

/** Paths are byte strings from the root, without a slash at either end. A folder's own change comes before those in it. */
export function* compareTrees(left: number | undefined, right: number, prefix = ""): Generator<Change> {
  const names = [...new Set([...listOrNone(left), ...listFolder(right)])].sort();
  for (const name of names) {
    const path = prefix + name;
    const before = statusOf(left, name);
    const status = statusOf(right, name);
    if (status === undefined) {
      if (before !== undefined) yield { kind: "deleted", path };
      continue;
    }
    const place = { folder: right, name, status };
    yield { kind: kindOf(left, before, place), path, ...place };
    if (isFolder(status))
      yield* compareFolders(before === undefined || !isFolder(before) ? undefined : left, place, path);
  }
}

function kindOf(
  left: number | undefined,
  before: FileStatus | undefined,
  place: Place,
): "added" | "modified" | "unmodified" {
  if (left === undefined || before === undefined) return "added";
  return isSame({ folder: left, name: place.name, status: before }, place) ? "unmodified" : "modified";
}

function* compareFolders(left: number | undefined, { folder, name }: Place, path: string): Generator<Change> {
  const right = check(openFolderAt(folder, name), "open", path);
  try {
    const before = left === undefined ? undefined : check(openFolderAt(left, name), "open", path);
    try {
      yield* compareTrees(before, right, `${path}/`);
    } finally {
      if (before !== undefined) closeFd(before);
    }
  } finally {
    closeFd(right);
  }
}
