// Pushing: an image from a daemon into a registry, layers first, manifests behind them, indexes last.
// @source containerd client/client.go (Push), core/remotes/handlers.go (PushContent)
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { Limit } from "../../core/limit.js";
import { parseReference, type Reference } from "../../core/reference.js";
import { allSettledOrThrow } from "./all-settled.js";
import { sourceLabel } from "./gc-labels.js";
import { type ChildDescriptor, childrenOf } from "./manifest.js";
import { isIndex, isLayer, isManifest, isNonDistributable, refOf } from "./media-types.js";
import { ALL_PLATFORMS, type PlatformMatcher } from "./platform.js";
import type { OnProgress } from "./progress.js";
import type { ImageStores } from "./stores.js";
import type { Pusher, Registry } from "./transport.js";

/** Where `push` sends an image, and which of its layers. */
export interface PushOptions {
  /** Where everything goes. It stays open; whoever made it disposes it. */
  readonly registry: Registry;
  /** Layers of other platforms are not sent, only what says that they exist. Default: all are. */
  readonly platform?: PlatformMatcher;
  /** Layers that must not be passed on as well. Default: false. */
  readonly allowNonDistributable?: boolean;
  /** Uploads at a time; 0: no limit. Default: 0. */
  readonly maxConcurrent?: number;
  /** Hears of each object that is sent. Default: nobody does. */
  readonly onProgress?: OnProgress | undefined;
}

/** Repositories of the same host that the labels name, those most like the target's first. */
function mountSources(labels: Readonly<Record<string, string>>, { host, repository }: Reference): string[] {
  const key = sourceLabel(host);
  const known = Object.hasOwn(labels, key) ? (labels[key] ?? "").split(",") : [];
  const common = (other: string): number => {
    const [a, b] = [other.split("/"), repository.split("/")];
    const at = a.findIndex((part, index) => part !== b[index]);
    return at < 0 ? a.length : at;
  };
  return known.filter((name) => name !== "" && name !== repository).sort((a, b) => common(b) - common(a));
}

class ImagePush {
  readonly #stores: ImageStores;
  readonly #ctx: RequestContext;
  readonly #reference: Reference;
  readonly #pusher: Pusher;
  readonly #options: PushOptions;
  readonly #limit: Limit;
  readonly #objects = new Map<string, Promise<void>>();

  constructor(
    stores: ImageStores,
    ctx: RequestContext,
    reference: Reference,
    target: Descriptor,
    options: PushOptions,
  ) {
    this.#stores = stores;
    this.#ctx = ctx;
    this.#reference = reference;
    this.#pusher = options.registry.pusher(reference, target);
    this.#options = options;
    this.#limit = new Limit(options.maxConcurrent ?? 0);
  }

  /** A tree, what is referred to before what refers. */
  tree(descriptor: ChildDescriptor): Promise<void> {
    const known = this.#objects.get(descriptor.digest);
    if (known !== undefined) return known;
    const pushing = this.#tree(descriptor);
    this.#objects.set(descriptor.digest, pushing);
    return pushing;
  }

  async #tree(descriptor: ChildDescriptor): Promise<void> {
    if (isNonDistributable(descriptor.mediaType) && this.#options.allowNonDistributable !== true) return;
    const children = await childrenOf(this.#stores.content, this.#ctx, descriptor);
    const platform = this.#options.platform ?? ALL_PLATFORMS;
    // Registries take an index only with all its manifests; of other platforms these go without their layers.
    const isOther = descriptor.platform !== undefined && platform.rank(descriptor.platform) === undefined;
    const wanted =
      isOther && isManifest(descriptor.mediaType) ? children.filter((child) => !isLayer(child.mediaType)) : children;
    await allSettledOrThrow(wanted.map((child) => this.tree(child)));
    // Documents wait for all below them and so never for a place that one of those holds.
    const isDocument = isIndex(descriptor.mediaType) || isManifest(descriptor.mediaType);
    await (isDocument ? this.#one(descriptor) : this.#limit.run(() => this.#one(descriptor)));
  }

  async #one(descriptor: Descriptor): Promise<void> {
    const { digest, sizeBytes } = descriptor;
    const name = refOf(descriptor);
    const tell = (status: "waiting" | "uploading" | "done" | "exists", doneBytes: number) =>
      this.#options.onProgress?.({ name, status, descriptor, doneBytes, totalBytes: sizeBytes });
    tell("waiting", 0);
    const { labels } = await this.#stores.content.info(this.#ctx, digest);
    const source = {
      bytes: () => this.#stores.content.read(this.#ctx, digest),
      mountFrom: mountSources(labels, this.#reference),
      onProgress: (doneBytes: number) => tell("uploading", doneBytes),
    };
    const isNew = await this.#pusher.push(descriptor, source, this.#ctx.signal);
    tell(isNew ? "done" : "exists", sizeBytes);
  }
}

/**
 * Pushes content as `text`, a full reference.
 * @throws not_found for content that is missing; permission_denied, unavailable.
 */
export async function push(
  stores: ImageStores,
  ctx: RequestContext,
  text: string,
  target: Descriptor,
  options: PushOptions,
): Promise<void> {
  await new ImagePush(stores, ctx, parseReference(text), target, options).tree(target);
}
