// A path inside a tree: what it stands for, without ever leaving the tree. Links on the way are gone along as if the tree were the
// whole world; the last one is too where the caller wants that.
import { constants } from "node:fs";
import { constants as os } from "node:os";
import { check, type FileStatus, readable, readLinkAt, statAt } from "../../../runtime/sys/at.js";
import { systemError } from "../../../runtime/sys/libc.js";
import type { Folder, FolderTree } from "../../../runtime/sys/trees/folder-tree.js";

const { S_IFDIR, S_IFLNK, S_IFMT } = constants;
const MAX_LINKS = 40;

/** A path as it was written. */
export interface PathText {
  /** Byte strings, none of them empty; `.` and `..` stand as they were written. */
  readonly components: readonly string[];
  /** It ends in `/`, `/.` or `..`, so that only a folder can be meant. */
  readonly asFolder: boolean;
  /** It ends in `.`: what is in the folder is meant. */
  readonly asContents: boolean;
}

export function parsePath(path: string): PathText {
  const bytes = Buffer.from(path).toString("latin1");
  const all = bytes.split("/");
  const components = all.filter((component) => component !== "");
  const last = components.at(-1);
  const asContents = last === ".";
  return { components, asFolder: asContents || last === ".." || last === undefined || all.at(-1) === "", asContents };
}

/** A name in an open folder of a tree. Of no use any more once the tree was trimmed. */
export interface Spot {
  readonly folder: Folder;
  /** A byte string; `.` for the root of the tree. */
  readonly base: string;
  /** Undefined: nothing is there, though its folder is. */
  readonly status: FileStatus | undefined;
}

export const isFolderStatus = (status: FileStatus): boolean => (status.mode & S_IFMT) === S_IFDIR;
const isLink = (status: FileStatus): boolean => (status.mode & S_IFMT) === S_IFLNK;

/** From the root of the tree, without a slash at either end; "" is the root. */
export const pathOfSpot = ({ folder, base }: Spot): string =>
  base === "." ? folder.path.slice(0, -1) : folder.path + base;

/**
 * Finds what a path stands for. @param follow go along the last link, too. A path that can only mean a folder always does.
 * @returns undefined when a folder on the way is missing.
 * @throws an Error with an errno code: ENOTDIR, ELOOP, EACCES, …
 */
export function findSpot(tree: FolderTree, path: PathText, { follow }: { readonly follow: boolean }): Spot | undefined {
  if (path.asFolder) {
    const folder = tree.resolve(path.components);
    return folder === undefined ? undefined : spotOfFolder(folder);
  }
  let components = [...path.components];
  for (let links = 0; ; links += 1) {
    const base = components.pop() ?? ".";
    const folder = tree.resolve(components);
    if (folder === undefined) return undefined;
    if (base === "." || base === "..") return spotOfFolder(base === "." ? folder : (folder.parent ?? folder));
    const spot = { folder, base, status: statusOf(folder, base) };
    if (!follow || spot.status === undefined || !isLink(spot.status)) return spot;
    if (links >= MAX_LINKS) throw systemError("open", os.errno.ELOOP, readable(folder.path + base));
    const target = readLinkAt(folder.fd, base);
    if (typeof target === "number") continue;
    const parent = folder.path.split("/");
    components = [...(target.startsWith("/") ? [] : parent), ...target.split("/")].filter((one) => one !== "");
  }
}

function spotOfFolder(folder: Folder): Spot {
  const { parent } = folder;
  if (parent === undefined) return { folder, base: ".", status: statusOf(folder, ".") };
  const base = folder.path.slice(parent.path.length, -1);
  return { folder: parent, base, status: statusOf(parent, base) };
}

function statusOf(folder: Folder, base: string): FileStatus | undefined {
  const status = statAt(folder.fd, base);
  if (typeof status !== "number") return status;
  if (status !== -os.errno.ENOENT) check(status, "stat", folder.path + base);
  return undefined;
}
