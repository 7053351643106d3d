// Freeing folders that no record names: those of removed snapshots, and those of creations that a crash cut off.
// @source containerd core/metadata/snapshot.go (garbageCollect)

import type { BackendLock } from "./backend-lock.js";
import { readIds } from "./snapshot-rows.js";
import type { SnapshotParts } from "./snapshot-words.js";

export interface SnapshotCleanup {
  /** Numbers of the folders. */
  readonly removed: readonly number[];
  /** Disk space in bytes that they took. */
  readonly freedBytes: number;
}

/** Whoever creates or removes waits until the folders are out of sight, not until they are freed. */
export async function cleanUpSnapshots({ db, backend }: SnapshotParts, lock: BackendLock): Promise<SnapshotCleanup> {
  const { removed, free } = await lock.exclusive(async () => {
    const folders = await backend.list();
    const live = db.view((reader) => readIds(reader, backend.name));
    // What builds on another has a higher number, and goes first.
    const removed = folders.filter((id) => !live.has(id)).sort((a, b) => b - a);
    return { removed, free: await backend.retire(removed) };
  });
  return { removed, freedBytes: await free() };
}
