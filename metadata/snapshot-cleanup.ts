// Freeing folders that no record names: those of removed snapshots, and those of creations that a crash cut off.
// @source containerd core/metadata/snapshot.go (garbageCollect)
import { readIds } from "./snapshot-rows.js";
import type { SnapshotParts } from "./snapshot-words.js";

export interface SnapshotCleanup {
  /** Numbers of the folders. */
  readonly removed: readonly number[];
  /** Disk space in bytes that they took. */
  readonly freedBytes: number;
}

/** Nobody may create or remove in the backend meanwhile. What builds on another has a higher number, and goes first. */
export async function cleanUpSnapshots({ db, backend }: SnapshotParts): Promise<SnapshotCleanup> {
  const folders = await backend.list();
  const live = db.view((reader) => readIds(reader, backend.name));
  const removed = folders.filter((id) => !live.has(id)).sort((a, b) => b - a);
  let freedBytes = 0;
  for (const id of removed) {
    freedBytes += (await backend.usage(id)).sizeBytes;
    await backend.remove(id);
  }
  return { removed, freedBytes };
}
