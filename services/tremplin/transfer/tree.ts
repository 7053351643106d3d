// What an export holds, in its order: the description of the image, the root file system, the templates.

import { constants } from "node:os";
import { setImmediate } from "node:timers/promises";
import type { TreeEntry } from "../../../api/client/files/archive-entries.js";
import { check, closeFd, type FileStatus, openFolderAt, statAt } from "../../../runtime/sys/at.js";
import { isFolder } from "../../../runtime/sys/trees/compare.js";
import { compareTrees } from "../../../runtime/sys/trees/walk.js";

/** Importers look for it at the front: it tells the architecture. */
export const METADATA = "metadata.yaml";
const TREES = ["rootfs", "templates"];
/** Between two turns of the event loop. */
const ENTRIES_A_TURN = 256;

/** What lies in an instance's folder and belongs in an export; a folder before what is in it. @throws an Error with an errno code. */
export function* walkInstance(folder: number): Generator<TreeEntry> {
  const metadata = statusOf(folder, METADATA);
  if (metadata !== undefined) yield { path: METADATA, folder, name: METADATA, status: metadata };
  for (const name of TREES) {
    const status = statusOf(folder, name);
    if (status === undefined || !isFolder(status)) continue;
    yield { path: name, folder, name, status };
    const fd = check(openFolderAt(folder, name), "open", name);
    try {
      for (const change of compareTrees(undefined, fd, `${name}/`)) if (change.kind !== "deleted") yield change;
    } finally {
      closeFd(fd);
    }
  }
}

export interface TreeSize {
  /** Folders and all else with a name. */
  readonly files: number;
  /** Of files as long as they read, and of everything else as the file system says. */
  readonly bytes: number;
}

/** @throws what the signal was aborted with; an Error with an errno code. */
export async function measureInstance(folder: number, signal: AbortSignal): Promise<TreeSize> {
  let [files, bytes] = [0, 0];
  for (const { status } of walkInstance(folder)) {
    files += 1;
    bytes += status.sizeBytes;
    if (files % ENTRIES_A_TURN !== 0) continue;
    await setImmediate();
    signal.throwIfAborted();
  }
  return { files, bytes };
}

function statusOf(folder: number, name: string): FileStatus | undefined {
  const status = statAt(folder, name);
  if (typeof status !== "number") return status;
  if (status !== -constants.errno.ENOENT) check(status, "stat", name);
  return undefined;
}
