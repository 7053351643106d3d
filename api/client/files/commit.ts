// A container's changes as one more layer of its image, under a name of its own.
// @source opencontainers/image-spec config.md, manifest.md; Docker CLI reference, "docker container commit"
import { createHash } from "node:crypto";
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { errorOf, failedPrecondition, isNotFound } from "../../core/errors.js";
import type { Image } from "../../core/image.js";
import type { Labels } from "../../core/labels.js";
import { writeBlob } from "../../core/write-blob.js";
import { childLabels, snapshotLabel, UNCOMPRESSED_LABEL } from "../distribution/gc-labels.js";
import { parseConfig, parseManifest, readDocument, resolveManifest } from "../distribution/manifest.js";
import { OCI_CONFIG, OCI_LAYER_GZIP, OCI_MANIFEST, ociTypeOf } from "../distribution/media-types.js";
import { hostPlatform, onlyPlatforms } from "../distribution/platform.js";
import { putImage } from "../distribution/pull.js";
import { chainIds, unpack } from "../distribution/unpack.js";
import { readOnlyMount } from "../read-mounted.js";
import { withLease } from "../remote-lease-store.js";
import { cleanupOf } from "../run/remove.js";
import type { FilesClient } from "./files-client.js";
import { type ConfigChange, changeConfig } from "./image-config.js";
import { type ContainerSnapshot, parentMounts, snapshotOf } from "./layers.js";

/** What an image of a container's changes is to say of itself. All optional. */
export interface CommitOptions {
  /** Freeze the container's processes while its files are read. Default: true. */
  readonly pause?: boolean | undefined;
  readonly author?: string | undefined;
  /** Why; stands in the image's history. */
  readonly message?: string | undefined;
  /** What the config of its containers is to be; see `parseConfigChange`. Default: that of the container's image. */
  readonly changes?: readonly ConfigChange[] | undefined;
  /** When it was made, nanoseconds since 1970. Default: now. */
  readonly createdAtNs?: bigint | undefined;
}

type Config = Record<string, unknown>;

interface Base {
  readonly config: Config;
  readonly layers: readonly Descriptor[];
  readonly diffIds: readonly string[];
}

/**
 * Makes an image of what a container has changed, unpacked and ready to run. An image of that name is replaced.
 * @throws not_found; failed_precondition when the image that the container was made from is gone; not_implemented for tasks of engines.
 */
export async function commitContainer(
  client: FilesClient,
  ctx: RequestContext,
  id: string,
  name: string,
  options: CommitOptions = {},
): Promise<Image> {
  const own = await snapshotOf(client, ctx, id, "the layers of an image");
  return await withLease(client.leases, ctx, async (leased) => {
    const base = await baseOf(client, leased, own);
    const layer = await layerOf(client, leased, own, options.pause !== false);
    const diffId = (await client.content.info(leased, layer.digest)).labels[UNCOMPRESSED_LABEL];
    if (diffId === undefined) throw errorOf("internal", `the layer ${layer.digest} does not tell its diff id`);
    const diffIds = [...base.diffIds, diffId];
    const config = await writeJson(client, leased, OCI_CONFIG, configOf(base, diffIds, own, options), {
      [snapshotLabel(own.container.snapshotter)]: chainIds(diffIds).at(-1) ?? diffId,
    });
    const layers = [...base.layers, layer];
    const document = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: describe(config),
      layers: layers.map(describe),
    };
    const manifest = await writeJson(client, leased, OCI_MANIFEST, document, childLabels([config, ...layers]));
    const parsed = parseManifest(Buffer.from(JSON.stringify(document)), manifest);
    await unpack(client, leased, parsed, { snapshotter: own.container.snapshotter });
    return await putImage(client, leased, name, manifest, {});
  });
}

/** The image below the container's snapshot, whatever its name is now. */
async function baseOf(client: FilesClient, ctx: RequestContext, own: ContainerSnapshot): Promise<Base> {
  const { parent } = await own.snapshots.stat(ctx, own.key);
  if (parent === "") return { config: emptyConfig(), layers: [], diffIds: [] };
  const named = own.container.image === "" ? [] : await ifThere(client.images.get(ctx, own.container.image));
  for (const image of named) {
    const base = await baseFrom(client, ctx, image, parent);
    if (base !== undefined) return base;
  }
  for (const image of await client.images.list(ctx)) {
    const base = await baseFrom(client, ctx, image, parent);
    if (base !== undefined) return base;
  }
  const { id, image } = own.container;
  throw failedPrecondition(
    `container "${id}": the image that it was made from (${image || "of no name"}) is not here any more`,
  );
}

async function ifThere(image: Promise<Image>): Promise<readonly Image[]> {
  try {
    return [await image];
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
}

/** Undefined when the image's layers are others, or not here. */
async function baseFrom(
  client: FilesClient,
  ctx: RequestContext,
  image: Image,
  parent: string,
): Promise<Base | undefined> {
  try {
    const { manifest, config } = await resolveManifest(
      client.content,
      ctx,
      image.target,
      onlyPlatforms([hostPlatform()]),
    );
    const diffIds = config.rootfs.diff_ids;
    if (chainIds(diffIds).at(-1) !== parent) return undefined;
    const { digest } = manifest.config;
    const bytes = await readDocument(client.content, ctx, digest);
    parseConfig(bytes, digest);
    const layers = manifest.layers.map(({ mediaType, digest: layer, sizeBytes }) => ({
      mediaType: ociTypeOf(mediaType),
      digest: layer,
      sizeBytes,
      annotations: {},
    }));
    return { config: JSON.parse(bytes.toString()) as Config, layers, diffIds }; // parseConfig has checked that it is an object
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

const emptyConfig = (): Config => {
  const { os, architecture, variant } = hostPlatform();
  return { os, architecture, ...(variant !== "" && { variant }) };
};

async function layerOf(
  client: FilesClient,
  ctx: RequestContext,
  { container, snapshots, key }: ContainerSnapshot,
  pause: boolean,
): Promise<Descriptor> {
  // An upper layer must not be mounted twice to be written to.
  const mounts = (await snapshots.mounts(ctx, key)).map(readOnlyMount);
  const make = () =>
    parentMounts(client, ctx, snapshots, key, (lower, leased) =>
      client.diff.diff(leased, lower, mounts, { mediaType: OCI_LAYER_GZIP }),
    );
  return pause && (await isRunning(client, ctx, container.id))
    ? await whilePaused(client, ctx, container.id, make)
    : await make();
}

async function isRunning(client: FilesClient, ctx: RequestContext, id: string): Promise<boolean> {
  try {
    return (await client.tasks.get(ctx, id, "")).status === "running";
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

async function whilePaused<T>(
  client: FilesClient,
  ctx: RequestContext,
  id: string,
  work: () => Promise<T>,
): Promise<T> {
  await client.tasks.pause(ctx, id);
  try {
    return await work();
  } finally {
    await client.tasks.resume(cleanupOf(ctx), id);
  }
}

function configOf(base: Base, diffIds: readonly string[], own: ContainerSnapshot, options: CommitOptions): Config {
  const { author, message, createdAtNs = BigInt(Date.now()) * 1_000_000n, changes = [] } = options;
  const created = new Date(Number(createdAtNs / 1_000_000n)).toISOString();
  const former = Array.isArray(base.config["history"]) ? base.config["history"] : [];
  const entry = {
    created,
    created_by: `berth commit ${own.container.id}`,
    ...(author !== undefined && { author }),
    ...(message !== undefined && { comment: message }),
  };
  return {
    ...base.config,
    created,
    ...(author !== undefined && { author }),
    config: changeConfig(base.config["config"], changes),
    rootfs: { type: "layers", diff_ids: diffIds },
    history: [...former, entry],
  };
}

const describe = ({ mediaType, digest, sizeBytes }: Descriptor) => ({ mediaType, digest, size: sizeBytes });

async function writeJson(
  client: FilesClient,
  ctx: RequestContext,
  mediaType: string,
  document: unknown,
  labels: Labels,
): Promise<Descriptor> {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await writeBlob(client.content, ctx, {
    ref: `commit-${digest}`,
    sizeBytes: bytes.length,
    expected: digest,
    labels,
    bytes: (offset) => [bytes.subarray(offset)],
  });
  // One that was there already has others.
  const paths = Object.keys(labels).map((key) => `labels.${key}`);
  await client.content.update(ctx, { digest, labels }, paths);
  return { mediaType, digest, sizeBytes: bytes.length, annotations: {} };
}
