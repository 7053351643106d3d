// Folders against records. Freeing those that no record names: those of removed snapshots, and those of creations that a crash cut off.
// @source containerd core/metadata/snapshot.go (garbageCollect)

import type { BackendLock } from "./backend-lock.js";
import { readFolderOwners, readIds } from "./snapshot-rows.js";
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

/** Records against folders, both ways. */
export interface SnapshotAudit {
  /** Snapshots that have no folder and need one; a view may show its parent's. */
  readonly missing: readonly { readonly namespace: string; readonly name: string }[];
  /** Numbers of folders that no record names. */
  readonly strays: readonly number[];
}

export async function auditSnapshots({ db, backend }: SnapshotParts, lock: BackendLock): Promise<SnapshotAudit> {
  return await lock.exclusive(async () => {
    const folders = new Set(await backend.list());
    const owners = db.view((reader) => readFolderOwners(reader, backend.name));
    const live = new Set(owners.map(({ id }) => id));
    return {
      missing: owners.filter(({ id, kind }) => kind !== "view" && !folders.has(id)),
      strays: [...folders].filter((id) => !live.has(id)),
    };
  });
}
