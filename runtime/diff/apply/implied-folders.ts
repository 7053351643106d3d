// Folders that a layer needs for its names but does not describe: they keep what they were below. A layer that is unpacked apart from
// what it will lie on cannot know that yet; it marks them, and they are mended once the layer has a place.
import { constants, openSync, readdirSync } from "node:fs";
import { failedPrecondition } from "../../../api/core/errors.js";
import { check, chmodFd, chownFd, type FileStatus, pathAt, readable, setTimesFd, statFd } from "../../sys/at.js";
import { hasCode } from "../../sys/errno.js";
import { type Folder, FolderTree } from "../../sys/trees/folder-tree.js";
import { getXattr, listXattrs, removeXattr, setXattr } from "../../sys/xattr.js";
import type { ExtractorOptions } from "./extractor.js";

/** Xattr of an empty folder that stands for whatever a layer will lie on. */
const STAND_IN = "trusted.berth.stand-in";
/** Xattr of a folder that is to be mended, and of the root of a tree that has any. */
const IMPLIED = "trusted.berth.implied";
/** Nothing described it, or an entry did after something had been put into it: then its xattrs alone come from below. */
const ALL = Buffer.from("all");
const XATTRS = Buffer.from("xattrs");
const DEFAULT_ACL = "system.posix_acl_default";
const SET_GID = 0o2000;
const FOLDERS_AT_A_TIME = 200;

export interface OpenTrees extends Disposable {
  readonly trees: readonly FolderTree[];
}

export function openTree(path: string): FolderTree {
  return new FolderTree(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
}

export function openTrees(paths: readonly string[]): OpenTrees {
  const trees: FolderTree[] = [];
  const dispose = (): void => {
    for (const tree of trees) tree[Symbol.dispose]();
  };
  try {
    for (const path of paths) trees.push(openTree(path));
  } catch (error) {
    dispose();
    throw error;
  }
  return { trees, [Symbol.dispose]: dispose };
}

const rootPath = ({ root }: FolderTree): Buffer => pathAt(root.fd, ".");

function rootOf(folder: Folder): Folder {
  let root = folder;
  while (root.parent !== undefined) root = root.parent;
  return root;
}

/** Declares that an empty folder stands for what is not known yet. */
export const markStandIn = (path: string): void => setXattr(path, STAND_IN, Buffer.from("y"));

/** How an extractor treats the folders that no entry describes, in the upper folder of an overlay over `lowers`, nearest first. */
export function impliedFolders(lowers: readonly FolderTree[]): Omit<ExtractorOptions, "overlay"> {
  const [lower] = lowers;
  if (lowers.length !== 1 || lower === undefined || getXattr(rootPath(lower), STAND_IN) === undefined) {
    return { madeParent: (folder) => copyFromLower(folder, lowers) };
  }
  const marked = new Set<string>();
  return {
    madeParent: (folder) => {
      if (marked.size === 0) setXattr(pathAt(rootOf(folder).fd, "."), IMPLIED, ALL);
      marked.add(folder.path);
      setXattr(pathAt(folder.fd, "."), IMPLIED, ALL);
      // It has this time still when nothing was put into it.
      check(setTimesFd(folder.fd, 0n, 0n), "utimes", folder.path);
    },
    described: (folder) => {
      // It may be another one of that name, which hides what is below.
      const path = pathAt(folder.fd, ".");
      if (marked.has(folder.path) && getXattr(path, IMPLIED) !== undefined) setXattr(path, IMPLIED, XATTRS);
    },
  };
}

/**
 * Mends the marked folders of a layer that was unpacked apart, now that what is below is known, the nearest first.
 * @throws failed_precondition where what is below would have changed what came into a folder: such a layer must be unpacked over it.
 */
export async function settleImplied(upper: string, lowers: readonly string[]): Promise<void> {
  using tree = openTree(upper);
  if (getXattr(rootPath(tree), IMPLIED) === undefined) return;
  using below = openTrees(lowers);
  let seen = 0;
  const visit = async (folder: Folder): Promise<void> => {
    if (folder !== tree.root) settle(folder, below.trees);
    seen += 1;
    if (seen % FOLDERS_AT_A_TIME === 0) await new Promise<void>((resolve) => setImmediate(resolve));
    for (const entry of readdirSync(`/proc/self/fd/${folder.fd}`, { withFileTypes: true, encoding: "buffer" })) {
      if (!entry.isDirectory()) continue;
      const name = Buffer.from(entry.name).toString("latin1");
      await visit(tree.openChild(folder, name));
      tree.forget(folder, name);
    }
  };
  await visit(tree.root);
  removeXattr(rootPath(tree), IMPLIED);
}

function settle(folder: Folder, lowers: readonly FolderTree[]): void {
  const path = pathAt(folder.fd, ".");
  const mark = getXattr(path, IMPLIED);
  if (mark === undefined) return;
  const own = statFd(folder.fd);
  if (typeof own === "number") throw new Error(`stat ${readable(folder.path)}`);
  const wasTouched = own.modifiedNs !== 0n;
  const lower = findLower(folder, lowers);
  if (lower === undefined) {
    if (!wasTouched && mark.equals(ALL)) {
      const nowNs = BigInt(Date.now()) * 1_000_000n;
      check(setTimesFd(folder.fd, nowNs, nowNs), "utimes", folder.path);
    }
  } else {
    refuseHeirs(folder, lower);
    if (mark.equals(ALL)) copyAll(lower, folder, wasTouched ? own : undefined);
    else {
      copyXattrs(lower.folder, folder, new Set(listXattrs(path)));
      // An access control list would have changed it.
      check(chmodFd(folder.fd, own.mode & 0o7777), "chmod", folder.path);
    }
  }
  removeXattr(path, IMPLIED);
}

/** What is made in such a folder takes after it, and what was made here already could not. */
function refuseHeirs(folder: Folder, { folder: lower, status }: Lower): void {
  const isHeritable = (status.mode & SET_GID) !== 0 || getXattr(pathAt(lower.fd, "."), DEFAULT_ACL) !== undefined;
  if (isHeritable) throw failedPrecondition(`folder ${readable(folder.path)} below gives its group or access list on`);
}

/** A folder that the layer does not describe keeps what it was: as overlayfs itself would copy it up. */
function copyFromLower(folder: Folder, lowers: readonly FolderTree[]): void {
  const lower = findLower(folder, lowers);
  if (lower !== undefined) copyAll(lower, folder);
}

interface Lower {
  readonly folder: Folder;
  readonly status: FileStatus;
}

/** What the name stands for below. */
function findLower({ path }: Folder, lowers: readonly FolderTree[]): Lower | undefined {
  const components = path.split("/");
  for (const tree of lowers) {
    tree.trim();
    const folder = lookUp(tree, components);
    if (folder === "missing") continue;
    if (folder === "replaced") return undefined;
    const status = statFd(folder.fd);
    if (typeof status !== "number") return { folder, status };
  }
  return undefined;
}

/** "replaced": something that is no folder is there, which hides what is further below. */
function lookUp(tree: FolderTree, components: readonly string[]): Folder | "missing" | "replaced" {
  try {
    return tree.resolve(components) ?? "missing";
  } catch (error) {
    if (hasCode(error, "ENOTDIR")) return "replaced";
    throw error;
  }
}

/** @param times Whose times it gets; default: the lower folder's. */
function copyAll({ folder: lower, status }: Lower, folder: Folder, times: FileStatus = status): void {
  check(chownFd(folder.fd, status.uid, status.gid), "chown", folder.path);
  check(chmodFd(folder.fd, status.mode & 0o7777), "chmod", folder.path);
  copyXattrs(lower, folder);
  check(setTimesFd(folder.fd, times.accessedNs, times.modifiedNs), "utimes", folder.path);
}

function copyXattrs(from: Folder, to: Folder, kept: ReadonlySet<string> = new Set()): void {
  const source = pathAt(from.fd, ".");
  for (const name of listXattrs(source)) {
    if (name.startsWith("trusted.") || kept.has(name)) continue;
    const value = getXattr(source, name);
    if (value !== undefined) setXattr(pathAt(to.fd, "."), name, value);
  }
}
