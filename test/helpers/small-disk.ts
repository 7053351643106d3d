// A disk of a few MiB: a file system of its own in a file, mounted for one test. Needs root and mkfs.ext4.
import { statfsSync, writeFileSync } from "node:fs";
import { mkdir, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { DisposeScope } from "../../api/core/dispose.js";
import { runProgram } from "./program.js";
import { tempDir } from "./temp.js";

async function mustRun(file: string, ...args: string[]): Promise<void> {
  const { code, stderr } = await runProgram(file, args);
  if (code !== 0) throw new Error(`${file} ${args.join(" ")}: ${stderr}`);
}

/** Mounts it and resolves with its folder; it goes with the scope. */
export async function smallDisk(scope: DisposeScope, sizeBytes: number): Promise<string> {
  const dir = await tempDir(scope);
  const [image, folder] = [join(dir, "image"), join(dir, "disk")];
  await writeFile(image, "");
  await truncate(image, sizeBytes);
  await mkdir(folder);
  // Nothing kept back for root, and no journal that takes a share which a test could not foresee.
  await mustRun("mkfs.ext4", "-q", "-F", "-m", "0", "-O", "^has_journal", image);
  await mustRun("mount", "-o", "loop", image, folder);
  scope.defer(() => mustRun("umount", folder));
  return folder;
}

/** Takes all room that is left on a disk, with a file called `ballast`. */
export function fillUp(folder: string): void {
  const { bsize, bfree } = statfsSync(folder);
  try {
    writeFileSync(join(folder, "ballast"), Buffer.alloc(bsize * bfree + 1, 1));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}
