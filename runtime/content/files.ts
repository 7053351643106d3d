// What the files of content need of the file system, all of it off the main thread: whole writes, synced folders, and errors
// of the system as kinds.
import { type FileHandle, mkdir, open, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { ContainerdError } from "../../api/core/errors.js";
import { hasCode } from "../sys/errno.js";
import { FOLDER_MODE } from "./layout.js";

/** What `work` answers; undefined when a file it needs is not there. */
export async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** A full disk is a failure of its own kind; anything else stays as it is. */
export function fromWriteError(error: unknown): unknown {
  if (!hasCode(error, "ENOSPC") && !hasCode(error, "EDQUOT")) return error;
  return new ContainerdError("resource_exhausted", "content: no space left on device: resource exhausted", {
    cause: error,
  });
}

/** Writes all of it at `position`. */
export async function writeAll(file: FileHandle, data: Uint8Array, position: number): Promise<void> {
  let done = 0;
  while (done < data.length) {
    const { bytesWritten } = await file.write(data, done, data.length - done, position + done);
    done += bytesWritten;
  }
}

/** Makes the names in a folder last. */
export async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, "r");
  await folder.sync();
}

/** Makes a folder and those above it that are missing; those that it made last. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Replaces a small file: readers see the old text or the new one. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const next = `${path}.tmp`;
  await writeFile(next, text);
  await rename(next, path);
}
