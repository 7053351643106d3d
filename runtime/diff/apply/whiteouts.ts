// Whiteouts: what an entry of a layer says is gone. In a plain tree it is removed; in the upper folder of an overlay it is hidden,
// by the signs that overlayfs knows.
// @source opencontainers/image-spec layer.md, "Whiteouts"; Linux Documentation/filesystems/overlayfs.rst; containerd archive/tar.go
import { constants } from "node:fs";
import { TarError } from "../../../api/core/tar/header.js";
import { check, chownAt, makeNodeAt, pathAt } from "../../sys/at.js";
import type { Folder, FolderTree } from "../../sys/trees/folder-tree.js";
import { listFolder, removeTree } from "../../sys/trees/remove-tree.js";
import { setXattr } from "../../sys/xattr.js";

export const WHITEOUT_PREFIX = ".wh.";
const OPAQUE = ".wh..wh..opq";
const OPAQUE_XATTR = "trusted.overlay.opaque";
const YES = Buffer.from("y");

export interface Whiteout {
  /** "" hides all that lower layers have in the folder. */
  readonly hides: string;
}

/** @returns undefined for a name that is none. @throws TarError for one that would reach beyond its folder. */
export function parseWhiteout(base: string): Whiteout | undefined {
  if (base === OPAQUE) return { hides: "" };
  if (!base.startsWith(WHITEOUT_PREFIX)) return undefined;
  const hides = base.slice(WHITEOUT_PREFIX.length);
  if (hides === "" || hides === "." || hides === "..") {
    throw new TarError(`invalid whiteout name: ${base}: invalid archive`);
  }
  return { hides };
}

export const makeOpaque = (folder: Folder): void => setXattr(pathAt(folder.fd, "."), OPAQUE_XATTR, YES);

/** Puts the sign for "gone" in place of whatever has the name. */
export function hideName(tree: FolderTree, folder: Folder, name: string, uid: number, gid: number): void {
  tree.forget(folder, name);
  removeTree(folder.fd, name);
  check(makeNodeAt(folder.fd, name, constants.S_IFCHR, 0n), "mknod", folder.path + name);
  check(chownAt(folder.fd, name, uid, gid), "chown", folder.path + name);
}

export function removeName(tree: FolderTree, folder: Folder, name: string): void {
  tree.forget(folder, name);
  removeTree(folder.fd, name);
}

/** Removes what is in a folder and below it, except what `isKept` (a path with no slash at its end) and what leads there. */
export function removeOthers(tree: FolderTree, folder: Folder, isKept: (path: string) => boolean): void {
  for (const name of listFolder(folder.fd)) {
    if (!isKept(folder.path + name)) removeName(tree, folder, name);
    else if (isFolder(tree, folder, name)) removeOthers(tree, tree.openChild(folder, name), isKept);
  }
}

function isFolder(tree: FolderTree, folder: Folder, name: string): boolean {
  try {
    tree.openChild(folder, name);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOTDIR" || error.code === "ELOOP")) return false;
    throw error;
  }
}
