// From a request to an instance of LXD that has not run: its image, settings and name. Leaves nothing when it fails but an image that was
// brought; what it cannot take away then, because LXD has gone, is found by its marks later.
import { createReadStream } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { alreadyExists, errorOf, isFailedPrecondition, isNotFound } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { CreateTask } from "../../driver.js";
import { writeFile } from "../../lxd/files.js";
import { getImage, type ImageArchive, importImage } from "../../lxd/images.js";
import {
  changeState,
  createInstance,
  deleteInstance,
  getInstance,
  getInstanceState,
  type InstanceSource,
  listInstances,
} from "../../lxd/instances.js";
import type { LxdServer } from "../../lxd/server.js";
import { fingerprintOf } from "./fingerprint.js";
import { INIT_SCRIPT, instanceConfig } from "./instance-config.js";
import { distinctName, instanceName, marksOf, type Ownership, taskOfMarks } from "./names.js";
import { imageOf, type LxdImageOption, type LxdOptions } from "./options.js";

const REMOVE_TIMEOUT_MS = 60_000;
const LOOK_MS = 50;
const SCRIPT_OWNER = { uid: 0, gid: 0, mode: 0o755 };

export interface MakeInstance {
  readonly server: LxdServer;
  readonly request: CreateTask;
  readonly options: LxdOptions;
  readonly owner: string;
  readonly log: Logger;
}

/** @returns its name. @throws invalid_argument, not_found, … in LXD's words; cancelled when `signal` came first. */
export async function makeInstance(making: MakeInstance, signal: AbortSignal | undefined): Promise<string> {
  const { server, request, options, owner, log } = making;
  const ownership = { owner, namespace: request.namespace, id: request.id };
  const image = imageOf(options, request.image);
  const { config, script } = instanceConfig(options, request.spec);
  signal?.throwIfAborted();
  const source = await sourceOf(server, image, signal);
  const wanted = {
    source,
    config: { ...config, ...marksOf(ownership) },
    ...(options.devices !== undefined && { devices: options.devices }),
    ...(options.profiles !== undefined && { profiles: options.profiles }),
  };
  try {
    const name = await freeName(server, options.name, ownership);
    // LXD does not stop half-way, so who gives up is let go when it is through.
    await createInstance(server, { name, ...wanted });
    signal?.throwIfAborted();
    if (script !== undefined) await writeFile(server, name, INIT_SCRIPT, Buffer.from(script), SCRIPT_OWNER, { signal });
    return name;
  } catch (error) {
    await removeInstancesOf(server, ownership).catch((err: unknown) =>
      log.warn({ err }, "removing what a failed create left is put off"),
    );
    throw error;
  }
}

/** Removes every instance of a task, whoever knows of them. */
export async function removeInstancesOf(server: LxdServer, { owner, namespace, id }: Ownership): Promise<void> {
  for (const instance of await listInstances(server)) {
    const task = taskOfMarks(instance, owner);
    if (task?.namespace === namespace && task.id === id) await removeInstance(server, instance.name);
  }
}

/** Resolves when it is not there any more, whatever it was doing. @throws unavailable, deadline_exceeded, and what LXD says. */
export async function removeInstance(server: LxdServer, name: string): Promise<void> {
  for (const deadlineMs = performance.now() + REMOVE_TIMEOUT_MS; ; await sleep(LOOK_MS)) {
    try {
      if ((await getInstanceState(server, name)).pid !== 0) {
        await changeState(server, name, "stop", { isForced: true });
      }
      return await deleteInstance(server, name);
    } catch (error) {
      if (isNotFound(error)) return;
      // LXD has not done with its end, or somebody else is stopping it.
      if (!isFailedPrecondition(error)) throw error;
      if (performance.now() > deadlineMs) throw errorOf("deadline_exceeded", `lxd: delete instance ${name}`, error);
    }
  }
}

/** The name that was chosen, or else one that nobody has. @throws already_exists for one that was chosen and is taken. */
async function freeName(
  server: LxdServer,
  chosen: string | undefined,
  { owner, namespace, id }: Ownership,
): Promise<string> {
  const name = chosen ?? instanceName(namespace, id);
  const isFree = await getInstance(server, name).then(
    () => false,
    (error: unknown) => {
      if (isNotFound(error)) return true;
      throw error;
    },
  );
  if (isFree) return name;
  if (chosen !== undefined) throw alreadyExists(`lxd: an instance named ${name}`);
  return distinctName(namespace, id, owner);
}

async function sourceOf(
  server: LxdServer,
  image: LxdImageOption,
  signal: AbortSignal | undefined,
): Promise<InstanceSource> {
  if ("server" in image) return { type: "remote", ...image };
  if ("alias" in image) return { type: "alias", ...image };
  if ("fingerprint" in image) {
    const { fingerprint } = await getImage(server, image.fingerprint, { signal });
    return { type: "fingerprint", fingerprint };
  }
  const paths = "unified" in image ? [image.unified] : [image.metadata, image.rootfs];
  const fingerprint = await fingerprintOf(paths, signal);
  return { type: "fingerprint", fingerprint: await ensureImported(server, fingerprint, image, signal) };
}

/** LXD calls an image by its bytes, so the same archives are taken once. */
async function ensureImported(
  server: LxdServer,
  fingerprint: string,
  image: Extract<LxdImageOption, { unified: string } | { rootfs: string }>,
  signal: AbortSignal | undefined,
): Promise<string> {
  const isThere = (): Promise<boolean> =>
    getImage(server, fingerprint, { signal }).then(
      () => true,
      (error: unknown) => {
        if (isNotFound(error)) return false;
        throw error;
      },
    );
  if (await isThere()) return fingerprint;
  const archive: ImageArchive =
    "unified" in image
      ? { unified: createReadStream(image.unified) }
      : { metadata: createReadStream(image.metadata), rootfs: createReadStream(image.rootfs) };
  try {
    return await importImage(server, archive, { signal });
  } catch (error) {
    // Somebody else has brought it meanwhile.
    if (signal?.aborted !== true && (await isThere())) return fingerprint;
    throw error;
  }
}
