// Pulling: an image from a registry into a daemon, unpacked on the way, and its name once everything is there.
// @source containerd client/pull.go
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { isAlreadyExists, isNotFound, notFound } from "../../core/errors.js";
import type { Image } from "../../core/image.js";
import { parseReference } from "../../core/reference.js";
import { withLease } from "../remote-lease-store.js";
import { ObjectFetcher } from "./fetch.js";
import { dropKept, keepForNext } from "./kept.js";
import type { ChildDescriptor } from "./manifest.js";
import { hostPlatform, onlyPlatforms, type PlatformMatcher } from "./platform.js";
import type { OnProgress } from "./progress.js";
import type { ImageStores } from "./stores.js";
import type { Registry } from "./transport.js";
import type { UnpackOptions } from "./unpack.js";
import { type UnpackDestination, unpackTo } from "./unpack-targets.js";

/** Where `pull` fetches an image, which of its platforms it takes, and where these are unpacked. */
export interface PullOptions {
  /** Where everything comes from. It stays open; whoever made it disposes it. */
  readonly registry: Registry;
  /** Of the image. Default: the reference. */
  readonly name?: string | undefined;
  /** Default: what this machine can run. */
  readonly platform?: PlatformMatcher;
  /** All platforms that match, and not only the best. Default: false. */
  readonly allMatching?: boolean;
  /** Manifests and configs of other platforms as well. Default: false. */
  readonly allMetadata?: boolean;
  /** Manifests and configs alone, of all platforms, and no layers: nothing can be unpacked. Default: false. */
  readonly metadataOnly?: boolean;
  /** Given to the image. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Unpack all that is fetched for this snapshotter; default: do not unpack. */
  readonly snapshotter?: string | undefined;
  /** Where to unpack which platforms, instead of `snapshotter`. */
  readonly unpackTargets?: readonly UnpackDestination[];
  /** Downloads at a time; 0: no limit. Default: 0. */
  readonly maxConcurrent?: number;
  /** Most layers unpacked at a time: see {@link UnpackOptions}. */
  readonly layersAtOnce?: UnpackOptions["layersAtOnce"];
  /** Hears of each object that is fetched, and of each layer that is unpacked. Default: nobody does. */
  readonly onProgress?: OnProgress | undefined;
}

/** Creates an image, or points an existing one to the new target. */
export async function putImage(
  stores: ImageStores,
  ctx: RequestContext,
  name: string,
  target: Descriptor,
  labels: Readonly<Record<string, string>> = {},
): Promise<Image> {
  const image = { name, target, labels };
  for (;;) {
    try {
      return await stores.images.create(ctx, image);
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
    try {
      const paths = ["target", ...Object.keys(labels).map((key) => `labels.${key}`)];
      return await stores.images.update(ctx, image, paths);
    } catch (error) {
      // Deleted between the two: once more from the start.
      if (!isNotFound(error)) throw error;
    }
  }
}

/**
 * Pulls an image. What an earlier pull left is used. A failure leaves no image; what was fetched is kept for a day, for the next try.
 * @param text full reference, as {@link parseReference} takes it.
 * @throws not_found, permission_denied, unavailable, failed_precondition for bytes that are not what was promised.
 */
export async function pull(
  stores: ImageStores,
  ctx: RequestContext,
  text: string,
  options: PullOptions,
): Promise<Image> {
  const { registry, snapshotter, onProgress, labels } = options;
  const targets = options.unpackTargets ?? (snapshotter === undefined ? [] : [{ snapshotter }]);
  const reference = parseReference(text);
  const platform = options.platform ?? onlyPlatforms([hostPlatform()]);
  return await withLease(stores.leases, ctx, async (leased) => {
    onProgress?.({ name: text, status: "resolving" });
    const target = await registry.resolve(reference, leased.signal);
    onProgress?.({ name: text, status: "resolved", descriptor: target });
    // What fails ends everything else that is under way.
    const ending = new AbortController();
    const signal = leased.signal === undefined ? ending.signal : AbortSignal.any([leased.signal, ending.signal]);
    const working = { ...leased, signal };
    const fetcher = new ObjectFetcher(stores, working, {
      ...options,
      platform,
      fetcher: registry.fetcher(reference),
      source: reference,
      onFailure: (error) => ending.abort(error),
    });
    const fetched = (layer: Descriptor) => fetcher.fetch(layer);
    try {
      let manifests = 0;
      const onManifest = async (descriptor: ChildDescriptor): Promise<void> => {
        manifests += 1;
        const { layersAtOnce } = options;
        await unpackTo(stores, working, descriptor, { targets, fetched, onProgress, layersAtOnce }).catch(
          (error: unknown) => {
            ending.abort(error);
            throw error;
          },
        );
      };
      if (options.metadataOnly === true) await fetcher.fetchMetadata(target);
      else {
        await fetcher.fetchTree(target, onManifest);
        // What has nothing to run must not become an image.
        if (manifests === 0) throw notFound(`no match for platform in manifest ${target.digest}`);
      }
    } catch (error) {
      if (ctx.leaseId === undefined) await keepForNext(stores.leases, leased, text);
      leased.signal?.throwIfAborted();
      // What failed first; the others were only told to end.
      throw ending.signal.aborted ? ending.signal.reason : error;
    }
    const image = await putImage(stores, leased, options.name ?? text, target, labels);
    await dropKept(stores.leases, leased, text);
    onProgress?.({ name: image.name, status: "saved", descriptor: target });
    return image;
  });
}
