// Clears up after a server that was killed while it made a container, or while a copy of one was about to take its place.
import { deleteImage, listImages } from "../../runtime/lxd/images.js";
import { listInstances } from "../../runtime/lxd/instances.js";
import { CREATE_FILE } from "./image-archives.js";
import { findInstance, isReplaced, putBack, removeInstance } from "./instances.js";
import { concerns, endLeftOperations, IMAGE_OPERATION } from "./left-operations.js";
import { CREATE_NAME, originalName, recoverName, remapName } from "./names.js";
import type { Tremplin } from "./tremplin.js";

/** LXD may still be at work on what that server began. */
export async function recoverCreate(tremplin: Tremplin): Promise<void> {
  await endLeftOperations(
    tremplin,
    (operation) => operation.description === IMAGE_OPERATION || concerns(operation, CREATE_NAME),
  );
  await removeInstance(tremplin, CREATE_NAME, tremplin.ending);
  for (const { fingerprint, filename } of await listImages(tremplin.lxd)) {
    if (filename === CREATE_FILE) await deleteImage(tremplin.lxd, fingerprint);
  }
  for (const { name } of await listInstances(tremplin.lxd)) {
    const original = originalName(name);
    if (original !== undefined) await recoverRemap(tremplin, original);
  }
}

/** Whichever of the two is whole and last known good keeps the name; a copy alone stays as it is, for somebody to look at. */
async function recoverRemap(tremplin: Tremplin, name: string): Promise<void> {
  await putBack(tremplin, name);
  const [copy, aside] = [remapName(name), recoverName(name)];
  const old = await findInstance(tremplin, aside);
  const hasName = (await findInstance(tremplin, name)) !== undefined;
  if (hasName) await removeInstance(tremplin, copy, tremplin.ending);
  if (hasName || (old !== undefined && isReplaced(old))) await removeInstance(tremplin, aside, tremplin.ending);
}
