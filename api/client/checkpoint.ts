// Containers as images: what runs it, its spec, its own layer and the state of its processes in an index, and containers made of one.
// @source containerd container.go (Checkpoint), container_checkpoint_opts.go, container_restore_opts.go
import { createHash } from "node:crypto";
import type { Container, NewContainer } from "../core/container.js";
import type { RequestContext } from "../core/context.js";
import type { Descriptor } from "../core/descriptor.js";
import { errorOf, invalidArgument, notFound } from "../core/errors.js";
import type { Image } from "../core/image.js";
import { anyOfMessage, decodeAny, RUNC_CHECKPOINT_OPTIONS_TYPE } from "../core/typeurl.js";
import { writeBlob } from "../core/write-blob.js";
import { Any } from "../gen/google/protobuf/any.js";
import type { Client } from "./client.js";
import { type ChildDescriptor, childrenOf, readDocument, resolveManifest } from "./distribution/manifest.js";
import { OCI_INDEX, OCI_LAYER_GZIP } from "./distribution/media-types.js";
import { hostPlatform, onlyPlatforms } from "./distribution/platform.js";
import { chainIds } from "./distribution/unpack.js";
import { parentMounts } from "./files/layers.js";
import { RuncCheckpointOptions } from "./payloads.js";
import { withLease } from "./remote-lease-store.js";
import { cleanupOf, removeSnapshot } from "./run/remove.js";

const PREFIX = "application/vnd.containerd.container";
const STATE = `${PREFIX}.criu.checkpoint.criu.tar`;
const SPEC = `${PREFIX}.checkpoint.config.v1+proto`;
const OPTIONS = `${PREFIX}.checkpoint.options.v1+proto`;
const RUNTIME_OPTIONS = `${PREFIX}.checkpoint.runtime.options+proto`;
const IMAGE_NAME = "org.opencontainers.image.ref.name";
const RUNTIME_NAME = "io.containerd.checkpoint.runtime";
const SNAPSHOTTER_NAME = "io.containerd.checkpoint.snapshotter";

type Stores = Pick<Client, "containers" | "content" | "images" | "leases" | "snapshots" | "diff" | "tasks">;

export interface CheckpointOptions {
  /** The layer that the container writes to. Default: false. */
  readonly rw?: boolean;
  /** A reference to the image, which then goes where the checkpoint goes. Default: false. */
  readonly image?: boolean;
  /** The state of the processes, which takes CRIU. Default: false. */
  readonly task?: boolean;
}

/**
 * Makes an image `ref` of the container. A task that runs stands still meanwhile.
 * @throws not_found for the container or its image, already_exists for `ref`; unknown with the runtime's words, and not_implemented of
 * Berth, for the state of processes.
 */
export async function checkpointContainer(
  client: Stores,
  ctx: RequestContext,
  id: string,
  ref: string,
  { rw = false, image = false, task = false }: CheckpointOptions,
): Promise<Image> {
  const container = await client.containers.get(ctx, id);
  if (container.image === "") throw notFound("container not created from an image");
  const { target } = await client.images.get(ctx, container.image);
  return await withLease(client.leases, ctx, async (leased) => {
    const entries: ChildDescriptor[] = [];
    const add = async (mediaType: string, name: string, bytes: Uint8Array): Promise<void> => {
      entries.push({ ...(await writeDocument(client, leased, mediaType, `${id}-${name}`, bytes)), ...HOST });
    };
    const { options } = container.runtime;
    if (options !== undefined) await add(RUNTIME_OPTIONS, "runtime-options", Any.encode(options).finish());
    // containerd's client keeps it with the state of processes only, and then cannot restore from what it made without.
    await add(SPEC, "spec", Any.encode(container.spec).finish());
    if (image) entries.push({ ...target, platform: undefined, urls: undefined });
    await standingStill(client, leased, id, async () => {
      if (rw) entries.push({ ...(await ownLayer(client, leased, container)), ...HOST });
      if (!task) return;
      const settings = anyOfMessage(
        RUNC_CHECKPOINT_OPTIONS_TYPE,
        RuncCheckpointOptions,
        RuncCheckpointOptions.fromPartial({ fileLocks: true }),
      );
      for (const { sizeBytes, ...state } of await client.tasks.checkpoint(leased, id, settings)) {
        entries.push({ ...state, sizeBytes: Number(sizeBytes), ...HOST });
      }
      await add(OPTIONS, "checkpoint-options", Any.encode(settings).finish());
    });
    const index = indexOf(container, entries);
    const labels = Object.fromEntries(entries.map(({ digest }, at) => [`containerd.io/gc.ref.content.${at}`, digest]));
    const written = await writeDocument(client, leased, OCI_INDEX, `${id}index`, index, labels);
    return await client.images.create(leased, { name: ref, target: written });
  });
}

export interface RestoreOptions {
  /** Put what the checkpoint has of the container's own layer into its snapshot. Default: false. */
  readonly rw?: boolean;
}

/** Makes a container of a checkpoint, its snapshot with it. @throws not_found for what the checkpoint lacks, already_exists. */
export async function restoreContainer(
  client: Stores,
  ctx: RequestContext,
  id: string,
  checkpoint: Image,
  { rw = false }: RestoreOptions,
): Promise<Container> {
  const { annotations, entries } = await readIndex(client, ctx, checkpoint);
  const find = (mediaType: string): ChildDescriptor => {
    const found = entries.find((entry) => entry.mediaType === mediaType);
    if (found === undefined) throw notFound(`media type ${mediaType} in checkpoint ${checkpoint.name}`);
    return found;
  };
  const annotation = (key: string): string => {
    const value = annotations[key];
    if (value === undefined || value === "") throw notFound(`annotation ${key} in checkpoint ${checkpoint.name}`);
    return value;
  };
  const readAny = async (digest: string): Promise<Any> => decodeAny(await readDocument(client.content, ctx, digest));
  const options = entries.find(({ mediaType }) => mediaType === RUNTIME_OPTIONS);
  const record: NewContainer = {
    id,
    image: annotation(IMAGE_NAME),
    runtime: {
      name: annotation(RUNTIME_NAME),
      ...(options === undefined ? {} : { options: await readAny(options.digest) }),
    },
    spec: await readAny(find(SPEC).digest),
    snapshotter: annotation(SNAPSHOTTER_NAME),
    snapshotKey: id,
  };
  const layer = rw ? find(OCI_LAYER_GZIP) : undefined;
  return await withLease(client.leases, ctx, async (leased) => {
    const image = await client.images.get(leased, record.image ?? "");
    const platform = onlyPlatforms([hostPlatform()]);
    const { config } = await resolveManifest(client.content, leased, image.target, platform);
    const snapshots = client.snapshots.get(record.snapshotter ?? "");
    const parent = chainIds(config.rootfs.diff_ids).at(-1) ?? "";
    const mounts = await snapshots.prepare(leased, id, { parent });
    try {
      if (layer !== undefined) await client.diff.apply(leased, layer, mounts);
      return await client.containers.create(leased, record);
    } catch (error) {
      await removeSnapshot(client, cleanupOf(leased), record).catch(() => undefined);
      throw error;
    }
  });
}

/** The state of processes in a checkpoint, for the task that is to go on from there. @throws not_found when it has none. */
export async function stateOf(client: Stores, ctx: RequestContext, checkpoint: Image): Promise<Descriptor> {
  const { entries } = await readIndex(client, ctx, checkpoint);
  const state = entries.find(({ mediaType }) => mediaType === STATE);
  if (state === undefined) throw notFound(`state of processes in checkpoint ${checkpoint.name}`);
  return state;
}

const { os, architecture } = hostPlatform();
const HOST = { platform: { os, architecture, variant: "" }, urls: undefined };

/** Paused for as long as `work` takes, if it runs. */
async function standingStill(
  client: Stores,
  ctx: RequestContext,
  id: string,
  work: () => Promise<void>,
): Promise<void> {
  const running = (await client.tasks.list(ctx)).some((task) => task.containerId === id && task.status === "running");
  if (!running) return await work();
  await client.tasks.pause(ctx, id);
  try {
    await work();
  } finally {
    await client.tasks.resume(cleanupOf(ctx), id);
  }
}

async function ownLayer(
  client: Stores,
  ctx: RequestContext,
  { id, snapshotter, snapshotKey }: Container,
): Promise<Descriptor> {
  if (snapshotKey === "") throw errorOf("failed_precondition", `container "${id}" has no snapshot`);
  const snapshots = client.snapshots.get(snapshotter);
  const upper = await snapshots.mounts(ctx, snapshotKey);
  return await parentMounts(client, ctx, snapshots, snapshotKey, (lower, leased) =>
    client.diff.diff(leased, lower, upper, { mediaType: OCI_LAYER_GZIP, ref: `checkpoint-rw-${snapshotKey}` }),
  );
}

function indexOf(container: Container, entries: readonly ChildDescriptor[]): Buffer {
  const manifests = entries.map(({ mediaType, digest, sizeBytes, annotations, platform }) => ({
    mediaType,
    digest,
    size: sizeBytes,
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
    ...(platform && { platform: { architecture: platform.architecture, os: platform.os } }),
  }));
  const annotations = {
    [RUNTIME_NAME]: container.runtime.name,
    [SNAPSHOTTER_NAME]: container.snapshotter,
    [IMAGE_NAME]: container.image,
  };
  return Buffer.from(JSON.stringify({ schemaVersion: 2, manifests, annotations }));
}

async function readIndex(
  client: Stores,
  ctx: RequestContext,
  { name, target }: Image,
): Promise<{ readonly annotations: Readonly<Record<string, string>>; readonly entries: readonly ChildDescriptor[] }> {
  if (target.mediaType !== OCI_INDEX) throw invalidArgument(`image ${name} is no checkpoint`);
  const document: unknown = JSON.parse((await readDocument(client.content, ctx, target.digest)).toString());
  const found = typeof document === "object" && document !== null && "annotations" in document && document.annotations;
  const annotations =
    typeof found === "object" && found !== null
      ? Object.fromEntries(Object.entries(found).map(([key, value]) => [key, String(value)]))
      : {};
  return { annotations, entries: await childrenOf(client.content, ctx, target) };
}

async function writeDocument(
  { content }: Stores,
  ctx: RequestContext,
  mediaType: string,
  ref: string,
  bytes: Uint8Array,
  labels: Readonly<Record<string, string>> = {},
): Promise<Descriptor> {
  const expected = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const digest = await writeBlob(content, ctx, {
    ref,
    sizeBytes: bytes.length,
    expected,
    labels,
    bytes: (at) => [bytes.subarray(at)],
  });
  // It may have been there without them.
  const paths = Object.keys(labels).map((key) => `labels.${key}`);
  if (paths.length > 0) await content.update(ctx, { digest, labels }, paths);
  return { mediaType, digest, sizeBytes: bytes.length, annotations: {} };
}
