// Unpacking: the layers of a manifest as a chain of committed snapshots, each named by all that is below it. Where the snapshotter
// can put a layer onto its parent afterwards, layers are filled side by side.
// @source containerd core/unpack/unpacker.go, rootfs/apply.go; opencontainers/image-spec config.md (ChainID)
import { createHash, randomBytes } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { errorOf, invalidArgument, isAlreadyExists, isFailedPrecondition, isNotFound } from "../../core/errors.js";
import { Limit } from "../../core/limit.js";
import { LAYER_LABEL, type SnapshotStore } from "../../core/snapshot.js";
import { snapshotLabel, UNCOMPRESSED_LABEL } from "./gc-labels.js";
import { type ImageConfig, type Manifest, parseConfig, readDocument } from "./manifest.js";
import { refOf } from "./media-types.js";
import type { OnProgress } from "./progress.js";
import type { ImageStores } from "./stores.js";

const CLEANUP_MS = 10_000;
const MAX_TRIES = 3;
/** As many as the differ has threads at most. */
const LAYERS_AT_ONCE = 4;

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

/** Where and how `unpack` makes snapshots of the layers of a manifest. */
export interface UnpackOptions {
  /** One that the daemon has. */
  readonly snapshotter: string;
  /** Given to each snapshot. */
  readonly labels?: Readonly<Record<string, string>>;
  /**
   * Most layers filled at a time, where the snapshotter says that they are best filled side by side; 1: one over the other. Default: 4.
   */
  readonly layersAtOnce?: number | undefined;
  /** Resolves when a layer's content is there; default: it is. */
  readonly fetched?: (layer: Descriptor) => Promise<unknown>;
  /** Hears of each layer when it is begun and when it is done. Default: nobody does. */
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

/** Aborted so much later than `signal`. */
function later(signal: AbortSignal, ms: number): AbortSignal {
  const controller = new AbortController();
  const onAbort = (): void => void setTimeout(() => controller.abort(signal.reason), ms).unref();
  signal.addEventListener("abort", onAbort, { once: true });
  return controller.signal;
}

/** A key of an extraction is made up, so one that is taken is a matter of chance. undefined: the layer is there. */
async function prepareExtraction(
  snapshots: SnapshotStore,
  ctx: RequestContext,
  { chainId }: Layer,
  options: {
    readonly parent: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly patience: AbortSignal;
  },
) {
  const { parent, patience } = options;
  ctx.signal?.throwIfAborted();
  const labels = { ...options.labels, "containerd.io/snapshot.ref": chainId };
  for (let tries = 1; ; tries += 1) {
    const key = extractKey(chainId);
    try {
      return { key, mounts: await snapshots.prepare({ ...ctx, signal: patience }, key, { parent, labels }) };
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      if (await exists(snapshots, ctx, chainId)) return undefined;
      if (tries === MAX_TRIES) throw error;
    }
  }
}

/** How a layer comes to lie on its parent. */
interface Placing {
  /** Filled over nothing, and put onto the parent at the end. */
  readonly isApart: boolean;
  /** Resolves when the parent is there. */
  readonly below: Promise<unknown>;
  readonly limit: Limit;
  /** Of prepare: a daemon goes on with what is cut off; who waits for it knows what to take away. */
  readonly patience: AbortSignal;
}

async function unpackLayer(
  stores: ImageStores,
  ctx: RequestContext,
  layer: Layer,
  placing: Placing,
  options: UnpackOptions,
): Promise<void> {
  const { isApart, below, limit, patience } = placing;
  const snapshots = stores.snapshots.get(options.snapshotter);
  const { descriptor, diffId, chainId, parent } = layer;
  const tell = (status: "unpacking" | "unpacked") =>
    options.onProgress?.({ name: refOf(descriptor), status, descriptor });
  if (!isApart) await below;
  const own = isApart
    ? { parent: "", labels: { ...options.labels, [LAYER_LABEL]: "yes" }, patience }
    : { parent, labels: options.labels ?? {}, patience };
  const prepared = await prepareExtraction(snapshots, ctx, layer, own);
  if (prepared === undefined) return;
  const { key, mounts } = prepared;
  try {
    const applied = await limit.run(async () => {
      ctx.signal?.throwIfAborted();
      tell("unpacking");
      return await stores.diff.apply(ctx, descriptor, mounts);
    });
    if (applied.digest !== diffId) {
      throw errorOf("failed_precondition", `wrong diff id calculated on extraction "${applied.digest}"`);
    }
    await below;
    const labels = { ...options.labels, "containerd.io/snapshot.ref": chainId };
    await snapshots.commit(ctx, chainId, key, { labels, parent: isApart ? parent : "" }).catch((error: unknown) => {
      throw isApart && isFailedPrecondition(error) ? new MustLieOnParent() : error;
    });
  } catch (error) {
    // The caller may have lost patience; what was begun is taken away all the same.
    const cleanup = { ...ctx, signal: AbortSignal.timeout(CLEANUP_MS) };
    // Should even that fail, the lease ends and the collector takes it; why the layer failed is what the caller must hear.
    await snapshots.remove(cleanup, key).catch(() => {});
    if (error instanceof MustLieOnParent) {
      return await unpackLayer(stores, ctx, layer, { ...placing, isApart: false }, options);
    }
    if (!isAlreadyExists(error)) throw error;
  }
  const label = { [UNCOMPRESSED_LABEL]: diffId };
  await stores.content.update(ctx, { digest: descriptor.digest, labels: label }, [`labels.${UNCOMPRESSED_LABEL}`]);
  tell("unpacked");
}

/** A layer turned out to need what is below while it is filled. */
class MustLieOnParent extends Error {}

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
  const missing: Layer[] = [];
  for (const [index, descriptor] of layers.entries()) {
    const [diffId = "", chainId = "", parent = ""] = [diffIds[index], chain[index], chain[index - 1]];
    if (await exists(snapshots, ctx, chainId)) continue;
    missing.push({ descriptor, diffId, chainId, parent });
  }
  await unpackLayers(stores, ctx, missing, options);
  const top = chain.at(-1) ?? "";
  if (top !== "") {
    const key = snapshotLabel(options.snapshotter);
    await stores.content.update(ctx, { digest: target.digest, labels: { [key]: top } }, [`labels.${key}`]);
  }
  return top;
}

/**
 * The lowest goes over its parent, which is there and is held from then on; the others side by side if that is of use. When one fails
 * the others are told to end, and waited for. @throws what failed first.
 */
async function unpackLayers(
  stores: ImageStores,
  ctx: RequestContext,
  layers: readonly Layer[],
  options: UnpackOptions,
): Promise<void> {
  const { layersAtOnce = LAYERS_AT_ONCE } = options;
  const isSideBySide =
    layers.length > 1 && layersAtOnce > 1 && (await stores.snapshots.get(options.snapshotter).layersApart(ctx));
  const limit = new Limit(layersAtOnce);
  const ending = new AbortController();
  const signal = ctx.signal === undefined ? ending.signal : AbortSignal.any([ctx.signal, ending.signal]);
  const patience = later(signal, CLEANUP_MS);
  // One for each call under way.
  setMaxListeners(0, signal, patience);
  const unpackOne = async (layer: Layer, isApart: boolean, below: Promise<unknown>): Promise<void> => {
    try {
      if (!isApart) await below;
      await options.fetched?.(layer.descriptor);
      signal.throwIfAborted();
      await unpackLayer(stores, { ...ctx, signal }, layer, { isApart, below, limit, patience }, options);
    } catch (error) {
      ending.abort(error);
      throw error;
    }
  };
  let below: Promise<unknown> = Promise.resolve();
  const ends: Promise<void>[] = [];
  for (const [index, layer] of layers.entries()) {
    const end = unpackOne(layer, isSideBySide && index > 0, below);
    ends.push(end);
    below = end;
  }
  await Promise.allSettled(ends);
  ctx.signal?.throwIfAborted();
  if (ending.signal.aborted) throw ending.signal.reason;
}
