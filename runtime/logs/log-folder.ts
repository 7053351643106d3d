// A container's folder of segments: whose it is, and which task of it comes next.
import { mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { hasCode } from "../sys/errno.js";
import { containerFolder, listSegments, logsFolder } from "./places.js";

/** Says which container of that name it is. */
const OWNER_FILE = "owner";
const FOLDER_MODE = 0o700;

/** The folder of a container, made and emptied where it was that of a former one of the same name. */
export function claimFolder(rootDir: string, namespace: string, id: string, createdAtNs: bigint): string {
  const folder = containerFolder(rootDir, namespace, id);
  if (ownerOf(folder) !== String(createdAtNs)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
    writeFileSync(join(folder, OWNER_FILE), String(createdAtNs), { mode: 0o600 });
  }
  return folder;
}

/** What {@link claimFolder} was told; undefined for a folder that is not there or was cut off. */
export function ownerOf(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, OWNER_FILE), "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The number of the task that is about to be made. */
export function nextAttempt(folder: string): number {
  return listSegments(folder).reduce((most, { attempt }) => Math.max(most, attempt), 0) + 1;
}

/** A task that was not made has written nothing, and counts for nothing. */
export function forgetAttempt(folder: string, attempt: number): void {
  for (const segment of listSegments(folder)) {
    if (segment.attempt === attempt && statSync(segment.path).size === 0) rmSync(segment.path, { force: true });
  }
}

/** With the folder of its namespace when it was the last one there. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  try {
    rmdirSync(dirname(folder));
  } catch (error) {
    if (!hasCode(error, "ENOENT", "ENOTEMPTY", "EEXIST")) throw error;
  }
}

/** All that are there, below root or state folder. */
export function listFolders(
  dir: string,
): { readonly namespace: string; readonly id: string; readonly folder: string }[] {
  const top = logsFolder(dir);
  return foldersIn(top).flatMap((namespace) =>
    foldersIn(join(top, namespace)).map((id) => ({ namespace, id, folder: join(top, namespace, id) })),
  );
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  } catch (error) {
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}
