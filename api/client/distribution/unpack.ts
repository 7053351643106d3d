// Unpacking: the layers of a manifest as a chain of committed snapshots, each named by all that is below it.
// @source containerd core/unpack/unpacker.go, rootfs/apply.go; opencontainers/image-spec config.md (ChainID)
import { createHash, randomBytes } from "node:crypto";
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { errorOf, invalidArgument, isAlreadyExists, isNotFound } from "../../core/errors.js";
import type { SnapshotStore } from "../../core/snapshot.js";
import { snapshotLabel, UNCOMPRESSED_LABEL } from "./gc-labels.js";
import { type ImageConfig, type Manifest, parseConfig, readDocument } from "./manifest.js";
import { refOf } from "./media-types.js";
import type { OnProgress } from "./progress.js";
import type { ImageStores } from "./stores.js";

const CLEANUP_MS = 10_000;
const MAX_TRIES = 3;

/** The names of the snapshots of an image, the lowest first. */
export function chainIds(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(
      below === undefined ? diffId : `sha256:${createHash("sha256").update(`${below} ${diffId}`).digest("hex")}`,
    );
  }
  return chain;
}

export interface UnpackOptions {
  readonly snapshotter: string;
  /** Given to each snapshot. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Resolves when a layer's content is there; default: it is. */
  readonly fetched?: (layer: Descriptor) => Promise<unknown>;
  readonly onProgress?: OnProgress | undefined;
}

const exists = async (snapshots: SnapshotStore, ctx: RequestContext, key: string): Promise<boolean> => {
  try {
    await snapshots.stat(ctx, key);
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
};

/** Whether the layers of a config are unpacked. */
export async function isUnpacked(
  stores: ImageStores,
  ctx: RequestContext,
  config: ImageConfig,
  snapshotter: string,
): Promise<boolean> {
  const top = chainIds(config.rootfs.diff_ids).at(-1);
  return top === undefined || (await exists(stores.snapshots.get(snapshotter), ctx, top));
}

/** As containerd names them: the time's nanoseconds and four characters of chance. */
const extractKey = (chainId: string): string =>
  `extract-${process.hrtime.bigint() % 1_000_000_000n}-${randomBytes(3).toString("base64url")} ${chainId}`;

interface Layer {
  readonly descriptor: Descriptor;
  readonly diffId: string;
  readonly chainId: string;
  /** Chain id of what is below; "" for the lowest. */
  readonly parent: string;
}

/** A key of an extraction is made up, so one that is taken is a matter of chance. undefined: the layer is there. */
async function prepareExtraction(
  snapshots: SnapshotStore,
  ctx: RequestContext,
  layer: Layer,
  labels: Readonly<Record<string, string>>,
) {
  const wanted = { ...labels, "containerd.io/snapshot.ref": layer.chainId };
  for (let tries = 1; ; tries += 1) {
    const key = extractKey(layer.chainId);
    try {
      return { key, mounts: await snapshots.prepare(ctx, key, { parent: layer.parent, labels: wanted }) };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      if (await exists(snapshots, ctx, layer.chainId)) return undefined;
      if (tries === MAX_TRIES) throw error;
    }
  }
}

async function unpackLayer(stores: ImageStores, ctx: RequestContext, layer: Layer, options: UnpackOptions) {
  const snapshots = stores.snapshots.get(options.snapshotter);
  const { descriptor, diffId, chainId } = layer;
  const tell = (status: "unpacking" | "unpacked") =>
    options.onProgress?.({ name: refOf(descriptor), status, descriptor });
  const prepared = await prepareExtraction(snapshots, ctx, layer, options.labels ?? {});
  if (prepared === undefined) return;
  const { key, mounts } = prepared;
  try {
    tell("unpacking");
    const applied = await stores.diff.apply(ctx, descriptor, mounts);
    if (applied.digest !== diffId) {
      throw errorOf("failed_precondition", `wrong diff id calculated on extraction "${applied.digest}"`);
    }
    await snapshots.commit(ctx, chainId, key, { labels: { ...options.labels, "containerd.io/snapshot.ref": chainId } });
  } catch (error) {
    // The caller may have lost patience; what was begun is taken away all the same.
    const cleanup = { ...ctx, signal: AbortSignal.timeout(CLEANUP_MS) };
    // Should even that fail, the lease ends and the collector takes it; why the layer failed is what the caller must hear.
    await snapshots.remove(cleanup, key).catch(() => {});
    if (!isAlreadyExists(error)) throw error;
  }
  const label = { [UNCOMPRESSED_LABEL]: diffId };
  await stores.content.update(ctx, { digest: descriptor.digest, labels: label }, [`labels.${UNCOMPRESSED_LABEL}`]);
  tell("unpacked");
}

/**
 * Unpacks a manifest, from the lowest layer that is missing upwards, and binds the result to the image's config.
 * @returns the chain id of the top; "" for an image without layers.
 * @throws invalid_argument when layers and diff ids do not match; failed_precondition for a layer with another diff id.
 */
export async function unpack(
  stores: ImageStores,
  ctx: RequestContext,
  manifest: Manifest,
  options: UnpackOptions,
): Promise<string> {
  const { config: target, layers } = manifest;
  const config = parseConfig(await readDocument(stores.content, ctx, target.digest), target.digest);
  const diffIds = config.rootfs.diff_ids;
  if (diffIds.length !== layers.length) {
    throw invalidArgument(`image ${target.digest} has ${layers.length} layers and ${diffIds.length} diff ids`);
  }
  const chain = chainIds(diffIds);
  const snapshots = stores.snapshots.get(options.snapshotter);
  for (const [index, descriptor] of layers.entries()) {
    const [diffId = "", chainId = "", parent = ""] = [diffIds[index], chain[index], chain[index - 1]];
    if (await exists(snapshots, ctx, chainId)) continue;
    await options.fetched?.(descriptor);
    ctx.signal?.throwIfAborted();
    await unpackLayer(stores, ctx, { descriptor, diffId, chainId, parent }, options);
  }
  const top = chain.at(-1) ?? "";
  if (top !== "") {
    const key = snapshotLabel(options.snapshotter);
    await stores.content.update(ctx, { digest: target.digest, labels: { [key]: top } }, [`labels.${key}`]);
  }
  return top;
}
