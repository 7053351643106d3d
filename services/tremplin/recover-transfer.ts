// Clears up after a server that was killed in the middle of an export or an import.
import { setTimeout as sleep } from "node:timers/promises";
import { deleteImage, listImages } from "../../runtime/lxd/images.js";
import { listInstances } from "../../runtime/lxd/instances.js";
import { listRunningOperations } from "../../runtime/lxd/operations.js";
import type { Operation } from "../../runtime/lxd/replies.js";
import { listSnapshots } from "../../runtime/lxd/snapshots.js";
import { BACKUP_SNAPSHOT } from "./names.js";
import { removeBackupSnapshot } from "./transfer/backup-snapshot.js";
import { goOnTakingName } from "./transfer/imported-instance.js";
import { IMPORT_FILE } from "./transfer/upload.js";
import type { Tremplin } from "./tremplin.js";

const LOOK_MS = 200;
const MAX_WAIT_MS = 120_000;
/** LXD's words for what that server may have begun and LXD goes on with. */
const OURS: ReadonlySet<string> = new Set([
  "Downloading image",
  "Creating instance",
  "Snapshotting instance",
  "Deleting instance",
  "Deleting snapshot",
  "Renaming instance",
]);

/** Snapshots, images and instances of transfers that nobody goes on with. */
export async function recoverTransfer(tremplin: Tremplin): Promise<void> {
  const { lxd } = tremplin;
  await whenQuiet(tremplin);
  await goOnTakingName(tremplin);
  for (const { name } of await listInstances(lxd)) {
    const snapshots = await listSnapshots(lxd, name);
    if (snapshots.some((snapshot) => snapshot.name === BACKUP_SNAPSHOT)) await removeBackupSnapshot(lxd, name);
  }
  for (const { filename, fingerprint } of await listImages(lxd)) {
    if (filename === IMPORT_FILE) await deleteImage(lxd, fingerprint);
  }
}

/** What LXD is still at would come to light later, when nobody looks any more. */
async function whenQuiet({ lxd, ending, log }: Tremplin): Promise<void> {
  const isOurs = ({ description }: Operation): boolean => OURS.has(description);
  const deadline = performance.now() + MAX_WAIT_MS;
  while ((await listRunningOperations(lxd)).some(isOurs)) {
    if (performance.now() > deadline) {
      log.warn({}, "LXD is still busy with what an earlier server began");
      return;
    }
    await sleep(LOOK_MS, undefined, { signal: ending });
  }
}
