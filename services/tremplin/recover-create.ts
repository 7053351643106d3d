// Clears up after a server that was killed while it made a container, or while a copy of one was about to take its place.
import { setTimeout as sleep } from "node:timers/promises";
import { deleteImage, listImages } from "../../runtime/lxd/images.js";
import { listInstances } from "../../runtime/lxd/instances.js";
import { cancelOperation, listRunningOperations } from "../../runtime/lxd/operations.js";
import type { Operation } from "../../runtime/lxd/replies.js";
import { CREATE_FILE } from "./image-archives.js";
import { findInstance, putBack, removeInstance } from "./instances.js";
import { CREATE_NAME, originalName, recoverName, remapName } from "./names.js";
import type { Tremplin } from "./tremplin.js";

const LOOK_MS = 100;
const MAX_WAIT_MS = 60_000;
/** LXD's words for what becomes an image; of an upload it says no more. */
const IMAGE = "Downloading image";

/** LXD may still be at work on what that server began. */
export async function recoverCreate(tremplin: Tremplin): Promise<void> {
  await endCreations(tremplin);
  await removeInstance(tremplin, CREATE_NAME, tremplin.ending);
  for (const { fingerprint, filename } of await listImages(tremplin.lxd)) {
    if (filename === CREATE_FILE) await deleteImage(tremplin.lxd, fingerprint);
  }
  for (const { name } of await listInstances(tremplin.lxd)) {
    const original = originalName(name);
    if (original !== undefined) await recoverRemap(tremplin, original);
  }
}

/** Whichever of the two is whole and last known good keeps the name; without either the copy stays as it is, for somebody to look at. */
async function recoverRemap(tremplin: Tremplin, name: string): Promise<void> {
  await putBack(tremplin, name);
  if ((await findInstance(tremplin, name)) === undefined) return;
  for (const spare of [remapName(name), recoverName(name)]) await removeInstance(tremplin, spare, tremplin.ending);
}

/** Cancels what can be cancelled, and waits for the rest. */
async function endCreations({ lxd, ending, log }: Tremplin): Promise<void> {
  const deadline = performance.now() + MAX_WAIT_MS;
  for (;;) {
    const running = (await listRunningOperations(lxd)).filter(isCreation);
    if (running.length === 0) return;
    if (performance.now() > deadline) {
      log.warn({}, "LXD is still busy with a container that an earlier server began to make");
      return;
    }
    for (const { id, resources, may_cancel } of running) {
      if (resources !== null && may_cancel) await cancelOperation(lxd, id);
    }
    await sleep(LOOK_MS, undefined, { signal: ending });
  }
}

const isCreation = ({ description, resources }: Operation): boolean =>
  description === IMAGE ||
  Object.values(resources ?? {}).some((paths) => paths.some((path) => path.endsWith(`/${CREATE_NAME}`)));
