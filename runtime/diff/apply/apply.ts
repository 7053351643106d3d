// One layer unpacked: file, decompression, archive, tree. Runs in a worker: the system calls are synchronous.
// @source containerd core/diff/apply/apply.go, apply_linux.go
import { createHash } from "node:crypto";
import { constants, openSync } from "node:fs";
import { check, chmodFd, chownFd, pathAt, setTimesFd, statFd, syncFileSystem } from "../../sys/at.js";
import { hasCode } from "../../sys/errno.js";
import { getXattr, listXattrs, setXattr } from "../../sys/xattr.js";
import type { ApplyJob, ArchiveSummary, JobControl } from "../job.js";
import { TarReader } from "../tar/reader.js";
import { withTempMount } from "../temp-mount.js";
import { readDecompressed } from "./decompress.js";
import { Extractor, type ExtractorOptions } from "./extractor.js";
import { type Folder, FolderTree } from "./folder-tree.js";

export async function applyLayer(job: ApplyJob, control: JobControl): Promise<ArchiveSummary> {
  const { target } = job;
  if (target.kind === "overlay") {
    using lowers = openTrees(target.lowers);
    const madeParent = (folder: Folder): void => copyFromLower(folder, lowers.trees);
    return await extract(job, target.upper, { overlay: true, madeParent }, control);
  }
  return await withTempMount(target.tempDir, target.mounts, async (folder) => {
    try {
      return await extract(job, folder, { overlay: false }, control);
    } catch (error) {
      if (error instanceof Error) error.message = `mount callback failed on ${folder}: ${error.message}`;
      throw error;
    }
  });
}

function openTree(path: string): FolderTree {
  return new FolderTree(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
}

async function extract(
  job: ApplyJob,
  root: string,
  options: ExtractorOptions,
  control: JobControl,
): Promise<ArchiveSummary> {
  using extractor = new Extractor(openTree(root), options);
  const reader = new TarReader(extractor);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  for await (const chunk of readDecompressed(job.path, job)) {
    control.check();
    hash.update(chunk);
    sizeBytes += chunk.length;
    reader.push(chunk);
  }
  reader.finish();
  extractor.finish();
  if (job.syncFs) check(syncFileSystem(extractor.rootFd), "syncfs", root);
  return { digest: `sha256:${hash.digest("hex")}`, sizeBytes };
}

function openTrees(paths: readonly string[]): Disposable & { readonly trees: readonly FolderTree[] } {
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

/** A folder that the layer does not describe keeps what it was: as overlayfs itself would copy it up. */
function copyFromLower(folder: Folder, lowers: readonly FolderTree[]): void {
  const components = folder.path.split("/");
  for (const tree of lowers) {
    tree.trim();
    const lower = lookUp(tree, components);
    if (lower === "missing") continue;
    if (lower === "replaced") return;
    const status = statFd(lower.fd);
    if (typeof status === "number") continue;
    check(chownFd(folder.fd, status.uid, status.gid), "chown", folder.path);
    check(chmodFd(folder.fd, status.mode & 0o7777), "chmod", folder.path);
    copyXattrs(lower, folder);
    check(setTimesFd(folder.fd, status.accessedNs, status.modifiedNs), "utimes", folder.path);
    return;
  }
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

function copyXattrs(from: Folder, to: Folder): void {
  const source = pathAt(from.fd, ".");
  for (const name of listXattrs(source)) {
    if (name.startsWith("trusted.")) continue;
    const value = getXattr(source, name);
    if (value !== undefined) setXattr(pathAt(to.fd, "."), name, value);
  }
}
