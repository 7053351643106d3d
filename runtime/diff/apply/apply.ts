// One layer unpacked: file, decompression, archive, tree. Runs in a worker: the system calls are synchronous.
// @source containerd core/diff/apply/apply.go, apply_linux.go
import { createHash } from "node:crypto";
import { TarReader } from "../../../api/core/tar/reader.js";
import { check, syncFileSystem } from "../../sys/at.js";
import type { FolderTree } from "../../sys/trees/folder-tree.js";
import type { ApplyJob, ArchiveSummary, JobControl } from "../job.js";
import { withTempMount } from "../temp-mount.js";
import { readDecompressed } from "./decompress.js";
import { Extractor, type ExtractorOptions } from "./extractor.js";
import { impliedFolders, openTree, openTrees } from "./implied-folders.js";

export async function applyLayer(job: ApplyJob, control: JobControl): Promise<ArchiveSummary> {
  const { target } = job;
  if (target.kind === "overlay") {
    using lowers = openTrees(target.lowers);
    const options = { overlay: true, ...impliedFolders(lowers.trees) };
    return await extract(job, openTree(target.upper), options, control);
  }
  return await withTempMount(target.tempDir, target.mounts, async (folder) => {
    try {
      return await extract(job, openTree(folder), { overlay: false }, control);
    } catch (error) {
      if (error instanceof Error) error.message = `mount callback failed on ${folder}: ${error.message}`;
      throw error;
    }
  });
}

async function extract(
  job: ApplyJob,
  tree: FolderTree,
  options: ExtractorOptions,
  control: JobControl,
): Promise<ArchiveSummary> {
  using extractor = new Extractor(tree, options);
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
  if (job.syncFs) check(syncFileSystem(extractor.rootFd), "syncfs", job.path);
  return { digest: `sha256:${hash.digest("hex")}`, sizeBytes };
}
