// Importing: an archive of images, of OCI's layout or Docker's, into the stores, read once from front to back.
// @source containerd core/images/archive/importer.go, client/import.go
import type { Readable } from "node:stream";
import type { RequestContext } from "../../../core/context.js";
import type { Descriptor } from "../../../core/descriptor.js";
import { invalidArgument, notFound } from "../../../core/errors.js";
import type { Image } from "../../../core/image.js";
import { withLease } from "../../remote-lease-store.js";
import { childLabels } from "../gc-labels.js";
import { byPreference, type ChildDescriptor, childrenOf, resolveManifest } from "../manifest.js";
import { isIndex, isManifest } from "../media-types.js";
import { ALL_PLATFORMS, exactPlatforms, hostPlatform, type PlatformMatcher } from "../platform.js";
import type { OnProgress } from "../progress.js";
import { putImage } from "../pull.js";
import type { ImageStores } from "../stores.js";
import { unpack } from "../unpack.js";
import { type UnpackDestination, unpackTo } from "../unpack-targets.js";
import { indexOfDockerArchive } from "./docker-archive.js";
import { type ImageNaming, namesOf } from "./image-names.js";
import { type Archive, readArchive } from "./read-archive.js";

/** What `importImages` takes from an archive, which names it gets, and where it is unpacked. */
export interface ImportOptions extends ImageNaming {
  /** What is taken; default: everything. */
  readonly platform?: PlatformMatcher;
  /** An image for the archive's index itself. */
  readonly indexName?: string | undefined;
  /** Layers that are not compressed become gzip; of Docker's archives. Default: false. */
  readonly compressBlobs?: boolean;
  /** Unpack each image for this snapshotter; default: do not unpack. */
  readonly snapshotter?: string | undefined;
  /** Where to unpack which platforms, instead of `snapshotter`: of everything in the archive. */
  readonly unpackTargets?: readonly UnpackDestination[];
  /** What of each image is unpacked: the best of these. Default: `platform`, and this machine's without one. */
  readonly unpackPlatform?: PlatformMatcher;
  /** Given to each image. Default: none. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Hears of the archive being read, of images saved and layers unpacked. Default: nobody does. */
  readonly onProgress?: OnProgress | undefined;
}

/** The archive's index, written if it has none. @throws invalid_argument for what is no archive of images. */
async function indexOf(stores: ImageStores, ctx: RequestContext, archive: Archive, options: ImportOptions) {
  if (archive.isOciLayout) {
    const index = archive.files.get("index.json");
    if (index === undefined) throw invalidArgument("missing index.json in OCI layout 1.0.0");
    return index;
  }
  if (archive.dockerManifest === undefined) throw invalidArgument("unrecognized image format");
  return await indexOfDockerArchive(stores.content, ctx, archive, { compress: options.compressBlobs === true });
}

/** Labels what refers to what, and finds out by the way what is missing. @throws not_found. */
async function labelTree(stores: ImageStores, ctx: RequestContext, root: ChildDescriptor, platform: PlatformMatcher) {
  const manifests: ChildDescriptor[] = [];
  const visit = async (descriptor: ChildDescriptor): Promise<void> => {
    const all = await childrenOf(stores.content, ctx, descriptor);
    const children = isIndex(descriptor.mediaType) ? byPreference(all, platform) : all;
    for (const child of children) await stores.content.info(ctx, child.digest);
    if (children.length > 0) {
      const labels = childLabels(children);
      const paths = Object.keys(labels).map((key) => `labels.${key}`);
      await stores.content.update(ctx, { digest: descriptor.digest, labels }, paths);
    }
    if (isManifest(descriptor.mediaType)) manifests.push(descriptor);
    for (const child of children) await visit(child);
  };
  await visit(root);
  return manifests;
}

/**
 * Imports an archive. Compressed archives are recognised.
 * @returns the images that were made or moved, in the order of the archive.
 * @throws invalid_argument for what is no archive of images, not_found for content that it lacks.
 */
export async function importImages(
  stores: ImageStores,
  ctx: RequestContext,
  source: Readable,
  options: ImportOptions,
): Promise<Image[]> {
  const { platform = ALL_PLATFORMS, snapshotter, onProgress } = options;
  const unpackPlatform = options.unpackPlatform ?? options.platform ?? exactPlatforms([hostPlatform()]);
  return await withLease(stores.leases, ctx, async (leased) => {
    const archive = await readArchive(stores.content, leased, source, onProgress);
    const index = await indexOf(stores, leased, archive, options);
    const targets = byPreference(await childrenOf(stores.content, leased, index), ALL_PLATFORMS);
    const manifests = await labelTree(stores, leased, index, platform);
    if (manifests.length === 0) {
      const why = targets.length === 0 ? "no image" : "no image for the platform";
      throw notFound(`archive: ${why} in it`);
    }
    const named: { readonly name: string; readonly target: Descriptor }[] = [];
    if (options.indexName !== undefined) named.push({ name: options.indexName, target: index });
    for (const target of targets) {
      if (isManifest(target.mediaType) && platform.rank(target.platform) === undefined) continue;
      for (const name of namesOf(target, options)) named.push({ name, target });
    }
    const images: Image[] = [];
    for (const { name, target } of named) {
      images.push(await putImage(stores, leased, name, bare(target), options.labels));
      onProgress?.({ name, status: "saved", descriptor: target });
    }
    if (snapshotter !== undefined && options.unpackTargets === undefined) {
      for (const { name, target } of images) {
        onProgress?.({ name, status: "unpacking", descriptor: target });
        const { manifest } = await resolveManifest(stores.content, leased, target, unpackPlatform);
        await unpack(stores, leased, manifest, { snapshotter, onProgress });
        onProgress?.({ name, status: "unpacked", descriptor: target });
      }
    }
    for (const manifest of manifests) {
      await unpackTo(stores, leased, manifest, { targets: options.unpackTargets ?? [], onProgress });
    }
    return images;
  });
}

/** An image's target: the descriptor with its annotations, and no platform. */
const bare = ({ mediaType, digest, sizeBytes, annotations }: Descriptor): Descriptor => ({
  mediaType,
  digest,
  sizeBytes,
  annotations,
});
