// A copy of a tree with everything that can be seen of it: owners, modes, times, attributes, links of both kinds, devices, holes.
// File systems that can share blocks between files do so.
// @source containerd/continuity fs/copy.go
import { type BigIntStats, constants } from "node:fs";
import { chmod, copyFile, lchown, link, lstat, mkdir, readdir, readlink, symlink } from "node:fs/promises";
import { makeNode, setTimes } from "../../sys/inode.js";
import { copyXattrs } from "../../sys/xattr.js";
import { forEachOf, inside } from "../walk.js";
import { copySparse, isSparse } from "./copy-sparse.js";

const PERMISSIONS = 0o7777n;

/** What of `stats` remains to be set once the contents are there. The order counts: a new owner takes set-id bits and some attributes away. */
async function copyMetadata(from: Buffer, to: Buffer, stats: BigIntStats): Promise<void> {
  // A user can give nothing away: all in the user's store is the user's own.
  if (process.geteuid?.() === 0) await lchown(to, Number(stats.uid), Number(stats.gid));
  if (!stats.isSymbolicLink()) await chmod(to, Number(stats.mode & PERMISSIONS));
  copyXattrs(from, to);
  setTimes(to, stats.atimeNs, stats.mtimeNs);
}

async function copyContents(from: Buffer, to: Buffer, stats: BigIntStats): Promise<void> {
  if (isSparse(stats)) await copySparse(from, to, stats.size);
  else await copyFile(from, to, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
}

/** Copies the contents and the metadata of the folder `source` onto the empty folder `target`. */
export async function copyTree(source: string, target: string): Promise<void> {
  /** Where files of several names were copied to; a promise, since several may be copied at once. */
  const linked = new Map<string, Promise<Buffer>>();

  async function copyLeaf(from: Buffer, to: Buffer, stats: BigIntStats): Promise<void> {
    if (stats.isSymbolicLink()) await symlink(await readlink(from, { encoding: "buffer" }), to);
    else if (stats.isFile()) await copyContents(from, to, stats);
    else makeNode(to, Number(stats.mode), Number(stats.rdev));
    await copyMetadata(from, to, stats);
  }

  async function copyEntry(from: Buffer, to: Buffer): Promise<void> {
    const stats = await lstat(from, { bigint: true });
    if (stats.isDirectory()) {
      await mkdir(to, { mode: 0o700 });
      folders.push({ from, to, stats });
      return;
    }
    if (stats.nlink === 1n) return await copyLeaf(from, to, stats);
    const inode = `${stats.dev}:${stats.ino}`;
    const first = linked.get(inode);
    if (first !== undefined) return await link(await first, to);
    const copied = copyLeaf(from, to, stats).then(() => to);
    linked.set(inode, copied);
    await copied;
  }

  const root = Buffer.from(source);
  const folders: { readonly from: Buffer; readonly to: Buffer; readonly stats: BigIntStats }[] = [
    { from: root, to: Buffer.from(target), stats: await lstat(root, { bigint: true }) },
  ];
  // The list grows while it is walked.
  for (const { from, to } of folders) {
    const names = await readdir(from, { encoding: "buffer" });
    await forEachOf(names, (name) => copyEntry(inside(from, name), inside(to, name)));
  }
  // The deepest first: whatever is put into a folder changes its times.
  for (const { from, to, stats } of folders.reverse()) await copyMetadata(from, to, stats);
}
