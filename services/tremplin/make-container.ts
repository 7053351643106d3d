// Making a container: under a name of the service's own, which it changes for the container's when it is whole. Whatever fails or is
// cut short leaves nothing but that name, which the next one clears.
import { ContainerCreationProgress_Status } from "../../api/gen/vm_tools/tremplin.js";
import { deleteImage } from "../../runtime/lxd/images.js";
import {
  createInstance,
  getInstance,
  type InstanceSource,
  type LxdInstance,
  renameInstance,
} from "../../runtime/lxd/instances.js";
import type { OperationOptions } from "../../runtime/lxd/operations.js";
import type { Operation } from "../../runtime/lxd/replies.js";
import { keepRecord } from "./container-record.js";
import { removeContainer } from "./containers.js";
import { failedTo } from "./failure.js";
import { type Archives, takeImage } from "./image-archives.js";
import { percentOf, serverOf, wordsOf } from "./image-server.js";
import { findInstance, removeInstance } from "./instances.js";
import { CREATE_NAME, CREATED_MARK, FINISHED_MARK } from "./names.js";
import type { Tremplin } from "./tremplin.js";

/** What a container is made of. */
export type ImageSource =
  | ({ readonly type: "archives" } & Archives)
  | { readonly type: "server"; readonly server: string; readonly alias: string };

const CLEANUP_TIMEOUT_MS = 30_000;

/** Whether CreateContainer made it and no start has succeeded since. */
export const isUnfinished = ({ config }: LxdInstance): boolean =>
  config[CREATED_MARK] === "true" && config[FINISHED_MARK] !== "true";

/**
 * Resolves when the container is there with its record. `unfinished`, which has its name until then, is removed; another is left alone.
 * The listener is told of the download. @throws what is said to callers.
 */
export async function makeContainer(
  tremplin: Tremplin,
  name: string,
  { source, unfinished }: { readonly source: ImageSource; readonly unfinished: LxdInstance | undefined },
  signal: AbortSignal,
): Promise<void> {
  await tremplin.names.run(name, () => tremplin.names.run(CREATE_NAME, make, signal), signal);

  async function make(): Promise<void> {
    const present = await findInstance(tremplin, name);
    if (present !== undefined) {
      const isMeant = isUnfinished(present) && present.created_at === unfinished?.created_at;
      if (!isMeant) throw new Error(`container ${name} is there already`);
      await removeContainer(tremplin, name, signal);
    }
    // What an earlier one left.
    await removeInstance(tremplin, CREATE_NAME, signal);
    try {
      if (source.type === "server") await makeOfServer(tremplin, name, source, signal);
      else await makeOfArchives(tremplin, source, signal);
      await renameInstance(tremplin.lxd, CREATE_NAME, name, { signal }).catch(failedTo("rename container"));
    } catch (error) {
      await removeInstance(tremplin, CREATE_NAME, AbortSignal.timeout(CLEANUP_TIMEOUT_MS)).catch((err: unknown) =>
        tremplin.log.warn({ name, err }, "cannot take away what a failed creation left"),
      );
      throw error;
    }
    await keepRecord(tremplin, await getInstance(tremplin.lxd, name));
  }
}

async function makeOfServer(
  tremplin: Tremplin,
  name: string,
  { server, alias }: { readonly server: string; readonly alias: string },
  signal: AbortSignal,
): Promise<void> {
  let told = -1;
  const onNews = (operation: Operation): void => {
    const percent = percentOf(operation);
    // LXD's news may overtake each other.
    if (percent === undefined || percent <= told) return;
    told = percent;
    void tremplin.listener.tell("updateCreateStatus", {
      containerName: name,
      status: ContainerCreationProgress_Status.DOWNLOADING,
      downloadProgress: percent,
    });
  };
  const remote = { type: "remote", server: serverOf(server, tremplin.milestone), alias } as const;
  await createUnnamed(tremplin, remote, { signal, onNews }).catch((error: unknown) => {
    throw wordsOf(error);
  });
}

/** The image is LXD's only until the container is made of it, unless it was there before. */
async function makeOfArchives(tremplin: Tremplin, archives: Archives, signal: AbortSignal): Promise<void> {
  const image = await takeImage(tremplin.lxd, archives, signal).catch(failedTo("import image"));
  try {
    const source = { type: "fingerprint", fingerprint: image.fingerprint } as const;
    await createUnnamed(tremplin, source, { signal }).catch(failedTo("create container from image"));
  } finally {
    if (image.isOurs) {
      await deleteImage(tremplin.lxd, image.fingerprint).catch((err: unknown) =>
        tremplin.log.warn({ ...image, err }, "cannot delete the image that a container was made of"),
      );
    }
  }
}

async function createUnnamed(tremplin: Tremplin, source: InstanceSource, options: OperationOptions): Promise<void> {
  const config = { [CREATED_MARK]: "true" };
  await createInstance(tremplin.lxd, { name: CREATE_NAME, source, config }, options);
}
