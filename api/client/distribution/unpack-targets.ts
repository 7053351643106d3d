// Where the manifests of an image are unpacked: each for every snapshotter that is wanted for its platform.
// @source containerd core/unpack/unpacker.go (WithUnpackPlatform)
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { type ChildDescriptor, parseConfig, parseManifest, readDocument } from "./manifest.js";
import { isLayer } from "./media-types.js";
import type { Platform, PlatformMatcher } from "./platform.js";
import type { OnProgress } from "./progress.js";
import type { ImageStores } from "./stores.js";
import { type UnpackOptions, unpack } from "./unpack.js";

/** A snapshotter to unpack for, and what is unpacked there. */
export interface UnpackDestination {
  /** One that the daemon has. */
  readonly snapshotter: string;
  /** Manifests of which platforms; default: all that there are. */
  readonly platform?: PlatformMatcher;
}

export interface UnpackToOptions {
  readonly targets: readonly UnpackDestination[];
  /** Resolves when a layer's content is there; default: it is. */
  readonly fetched?: (layer: Descriptor) => Promise<unknown>;
  readonly layersAtOnce?: UnpackOptions["layersAtOnce"];
  readonly onProgress?: OnProgress | undefined;
}

/**
 * Unpacks a manifest for every target that wants it, for one snapshotter after the other: they share a disk. What is no file system
 * is passed over: charts, signatures, attestations.
 * @throws as {@link unpack} does; what the targets before had is kept.
 */
export async function unpackTo(
  stores: ImageStores,
  ctx: RequestContext,
  descriptor: ChildDescriptor,
  { targets, ...options }: UnpackToOptions,
): Promise<void> {
  if (targets.length === 0) return;
  const manifest = parseManifest(await readDocument(stores.content, ctx, descriptor.digest), descriptor);
  if (!manifest.layers.every(({ mediaType }) => isLayer(mediaType))) return;
  const platform = descriptor.platform ?? (await platformOf(stores, ctx, manifest.config.digest));
  const wanting = targets.filter(
    (target) => target.platform === undefined || target.platform.rank(platform) !== undefined,
  );
  for (const snapshotter of new Set(wanting.map((target) => target.snapshotter))) {
    await unpack(stores, ctx, manifest, { ...options, snapshotter });
  }
}

/** As the image itself tells; undefined when it does not. */
async function platformOf(stores: ImageStores, ctx: RequestContext, digest: string): Promise<Platform | undefined> {
  const { os, architecture, variant } = parseConfig(await readDocument(stores.content, ctx, digest), digest);
  return os === "" && architecture === "" ? undefined : { os, architecture, variant };
}
