// Clears up after a server that was killed in the middle of an export or an import.
import { deleteImage, listImages } from "../../runtime/lxd/images.js";
import { listInstances } from "../../runtime/lxd/instances.js";
import { listSnapshots } from "../../runtime/lxd/snapshots.js";
import { concerns, endLeftOperations, IMAGE_OPERATION } from "./left-operations.js";
import { BACKUP_SNAPSHOT, IMPORT_NAME } from "./names.js";
import { removeBackupSnapshot } from "./transfer/backup-snapshot.js";
import { goOnTakingName } from "./transfer/imported-instance.js";
import { IMPORT_FILE } from "./transfer/upload.js";
import type { Tremplin } from "./tremplin.js";

/** LXD's words for what that server may have begun with an instance whose name it keeps; none of it can be cancelled. */
const OURS: ReadonlySet<string> = new Set([
  IMAGE_OPERATION,
  "Snapshotting instance",
  "Deleting snapshot",
  "Deleting instance",
]);

/** Snapshots, images and instances of transfers that nobody goes on with. */
export async function recoverTransfer(tremplin: Tremplin): Promise<void> {
  const { lxd } = tremplin;
  await endLeftOperations(tremplin, (operation) => OURS.has(operation.description) || concerns(operation, IMPORT_NAME));
  await goOnTakingName(tremplin);
  for (const { name } of await listInstances(lxd)) {
    const snapshots = await listSnapshots(lxd, name);
    if (snapshots.some((snapshot) => snapshot.name === BACKUP_SNAPSHOT)) await removeBackupSnapshot(lxd, name);
  }
  for (const { filename, fingerprint } of await listImages(lxd)) {
    if (filename === IMPORT_FILE) await deleteImage(lxd, fingerprint);
  }
}
