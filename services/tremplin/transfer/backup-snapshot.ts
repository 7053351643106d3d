// The snapshot that an export is made of: the container itself may go on running.
import { constants, openSync } from "node:fs";
import { join } from "node:path";
import type { IdMap } from "../../../api/client/files/map-xattr.js";
import { failedPrecondition, isNotFound } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { LxdServer } from "../../../runtime/lxd/server.js";
import {
  createSnapshot,
  deleteSnapshot,
  getSnapshot,
  type LxdSnapshotDetails,
} from "../../../runtime/lxd/snapshots.js";
import { closeFd } from "../../../runtime/sys/at.js";
import { BACKUP_SNAPSHOT } from "../names.js";
import { parseIdMap } from "./id-map.js";

/** Where the users and groups of the files on disk begin, as they were left when the instance ran last. */
const ID_MAP = "volatile.last_state.idmap";

export interface BackupSnapshot {
  /** Its open folder, with metadata.yaml, rootfs and templates. */
  readonly folder: number;
  readonly ids: IdMap;
}

/**
 * Makes the snapshot anew, and removes it when `use` has ended. Both take as long as they take: LXD does not let go of them.
 * @throws not_found for the instance; failed_precondition where LXD keeps no folder of it; what `use` throws.
 */
export async function withBackupSnapshot<T>(
  { lxd, lxdDir, log }: { readonly lxd: LxdServer; readonly lxdDir: string; readonly log: Logger },
  instance: string,
  use: (snapshot: BackupSnapshot) => Promise<T>,
): Promise<T> {
  await removeBackupSnapshot(lxd, instance);
  await createSnapshot(lxd, instance, BACKUP_SNAPSHOT);
  try {
    const details = await getSnapshot(lxd, instance, BACKUP_SNAPSHOT);
    const folder = openFolder(join(lxdDir, "storage-pools", poolOf(details), "containers-snapshots", instance));
    try {
      return await use({ folder, ids: parseIdMap(details.config[ID_MAP]) });
    } finally {
      closeFd(folder);
    }
  } finally {
    // One that stays is no reason to fail: the next export, or the next start, removes it.
    await removeBackupSnapshot(lxd, instance).catch((err: unknown) => {
      log.warn({ instance, err }, "a snapshot stays");
    });
  }
}

/** None is fine. */
export async function removeBackupSnapshot(lxd: LxdServer, instance: string): Promise<void> {
  await deleteSnapshot(lxd, instance, BACKUP_SNAPSHOT).catch((error: unknown) => {
    if (!isNotFound(error)) throw error;
  });
}

/** @throws failed_precondition */
function poolOf({ expanded_devices }: LxdSnapshotDetails): string {
  const root = Object.values(expanded_devices).find(({ type, path }) => type === "disk" && path === "/");
  const pool = root?.["pool"];
  if (pool === undefined) throw failedPrecondition("the container has no root disk");
  return pool;
}

/** Pools of block devices have none while the instance does not run. */
function openFolder(snapshots: string): number {
  const path = join(snapshots, BACKUP_SNAPSHOT);
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw failedPrecondition(`the storage pool has no folder of the container: ${text}`);
  }
}
