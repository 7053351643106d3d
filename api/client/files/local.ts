// The end of a copy that is on this machine: paths as this process sees them. What is in the way there is followed by the kernel, as
// for any program; only what an archive says never leads out of the folder that it goes into.
import { constants, openSync, readFileSync } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasCode } from "../../../runtime/sys/errno.js";
import { FolderTree } from "../../../runtime/sys/trees/folder-tree.js";
import { notFound } from "../../core/errors.js";
import type { CopySource, CopyTarget } from "./ends.js";
import { fileError } from "./file-error.js";
import { SAME_USERS } from "./id-ranges.js";
import { kernelFolders, parseMountTable } from "./mount-table.js";
import { type PathText, parsePath } from "./spot.js";
import { treeSource } from "./tree-source.js";
import { treeTarget } from "./tree-target.js";

/** @throws not_found, permission_denied. */
export async function localSource(path: string, options: { readonly followLink: boolean }): Promise<CopySource> {
  const text = parsePath(path);
  const real = await fileError.async(path, () =>
    text.asFolder || options.followLink ? realpath(path) : realInFolder(path),
  );
  const last = text.components.at(-1);
  const isName = last !== undefined && last !== "." && last !== "..";
  const tree = openTree(dirname(real), path);
  return treeSource({
    tree,
    path: { ...pathIn(real), asFolder: text.asFolder, asContents: text.asContents },
    text: path,
    name: isName ? last : undefined,
    followLink: false,
    ids: SAME_USERS.inside,
    closed: kernelFoldersBelow(dirname(real)),
    dispose: () => tree[Symbol.dispose](),
  });
}

/** @throws not_found where its folder is missing. */
export async function localTarget(path: string): Promise<CopyTarget> {
  const { asFolder } = parsePath(path);
  const real = await fileError.async(path, () => realTarget(path));
  const isFolder = await stat(real).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  const tree = openTree(isFolder ? real : dirname(real), path);
  return treeTarget({
    tree,
    path: isFolder ? parsePath(".") : { ...pathIn(real), asFolder: false },
    asFolder,
    text: path,
    owners: { ids: SAME_USERS.outside, owner: undefined, devices: false },
    dispose: () => tree[Symbol.dispose](),
  });
}

/** Of what is there, or may come to be. */
async function realTarget(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (!hasCode(error, "ENOENT")) throw error;
  }
  return await realInFolder(path).catch((error: unknown) => {
    throw hasCode(error, "ENOENT") ? notFound(`${path}: its folder does not exist`) : error;
  });
}

/** The path with its folder as the kernel finds it; its last component stays as it is, there or not. */
async function realInFolder(path: string): Promise<string> {
  return join(await realpath(dirname(path)), basename(path));
}

/** The last component, in the tree of its folder. */
const pathIn = (real: string): PathText => parsePath(basename(real));

function openTree(folder: string, text: string): FolderTree {
  return fileError.sync(text, () => new FolderTree(openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY)));
}

function kernelFoldersBelow(folder: string): ReadonlySet<string> {
  const prefix = Buffer.from(folder === "/" ? "" : folder.slice(1)).toString("latin1");
  const all = kernelFolders(parseMountTable(readFileSync("/proc/self/mountinfo", "latin1")));
  const below = [...all].filter((path) => prefix === "" || path.startsWith(`${prefix}/`));
  return new Set(below.map((path) => (prefix === "" ? path : path.slice(prefix.length + 1))));
}
