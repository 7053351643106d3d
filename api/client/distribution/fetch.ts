// Fetching: an object and all it refers to, from a registry into the content store, each only once and only what is missing.
// @source containerd core/remotes/handlers.go (FetchHandler), core/images/handlers.go (Dispatch)
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { isNotFound, notImplemented } from "../../core/errors.js";
import { writeBlob } from "../../core/write-blob.js";
import { childLabels, DISTRIBUTION_SOURCE_PREFIX } from "./gc-labels.js";
import { allSettledOrThrow, Limit } from "./limit.js";
import { byPreference, type ChildDescriptor, childrenOf } from "./manifest.js";
import { isIndex, isLayer, isManifest, isSchema1, refOf } from "./media-types.js";
import type { PlatformMatcher } from "./platform.js";
import type { OnProgress } from "./progress.js";
import type { Reference } from "./reference.js";
import type { ImageStores } from "./stores.js";
import type { Fetcher } from "./transport.js";

const MAX_LABEL_BYTES = 4096;

export interface FetchOptions {
  readonly fetcher: Fetcher;
  /** Where the objects come from; their labels say so. */
  readonly source: Reference;
  readonly platform: PlatformMatcher;
  /** Take all platforms that match, and not only the best. Default: false. */
  readonly allMatching?: boolean;
  /** Manifests and configs of the platforms that are left out. Default: false. */
  readonly allMetadata?: boolean;
  /** Downloads at a time; 0: no limit. Default: 0. */
  readonly maxConcurrent?: number;
  readonly onProgress?: OnProgress | undefined;
}

/** Fetches trees of objects into stores. */
export class ObjectFetcher {
  readonly #stores: ImageStores;
  readonly #ctx: RequestContext;
  readonly #options: FetchOptions;
  readonly #limit: Limit;
  /** Objects by digest, so that what several refer to is fetched once. */
  readonly #objects = new Map<string, Promise<void>>();

  constructor(stores: ImageStores, ctx: RequestContext, options: FetchOptions) {
    this.#stores = stores;
    this.#ctx = ctx;
    this.#options = options;
    this.#limit = new Limit(options.maxConcurrent ?? 0);
  }

  /** One object. Whoever asks again gets the same. */
  fetch(descriptor: ChildDescriptor): Promise<void> {
    const { digest } = descriptor;
    const known = this.#objects.get(digest);
    if (known !== undefined) return known;
    const fetching = this.#limit.run(() => this.#fetchOne(descriptor));
    this.#objects.set(digest, fetching);
    // Somebody awaits it sooner or later; until then its failure is nobody's surprise.
    fetching.catch(() => {});
    return fetching;
  }

  /** An object and all below it that the platforms ask for. `onManifest` hears of each manifest once it and its config are here. */
  async fetchTree(
    descriptor: ChildDescriptor,
    onManifest: (manifest: ChildDescriptor) => Promise<unknown> = async () => {},
  ): Promise<void> {
    if (isSchema1(descriptor.mediaType)) {
      throw notImplemented(`${descriptor.digest}: schema 1 manifests are not supported, the image must be pushed anew`);
    }
    await this.fetch(descriptor);
    const children = await childrenOf(this.#stores.content, this.#ctx, descriptor);
    if (children.length === 0) return;
    await this.#labelChildren(descriptor, children);
    const wanted = this.#wanted(descriptor, children);
    if (isManifest(descriptor.mediaType)) {
      const layers = wanted.filter(({ mediaType }) => isLayer(mediaType));
      // Layers go under way before the config is waited for.
      const fetching = layers.map((layer) => this.fetch(layer));
      await Promise.all(wanted.filter((child) => !layers.includes(child)).map((child) => this.fetch(child)));
      await allSettledOrThrow([...fetching, onManifest(descriptor)]);
      return;
    }
    await allSettledOrThrow(wanted.map((child) => this.fetchTree(child, onManifest)));
    if (this.#options.allMetadata === true) {
      await allSettledOrThrow(
        children.filter((child) => !wanted.includes(child)).map((child) => this.#metadata(child)),
      );
    }
  }

  #wanted(parent: Descriptor, children: readonly ChildDescriptor[]): readonly ChildDescriptor[] {
    if (!isIndex(parent.mediaType)) return children;
    const matching = byPreference(children, this.#options.platform);
    return this.#options.allMatching === true ? matching : matching.slice(0, 1);
  }

  /** A manifest and its config, without layers. */
  async #metadata(descriptor: ChildDescriptor): Promise<void> {
    if (isLayer(descriptor.mediaType)) return;
    await this.fetch(descriptor);
    const children = await childrenOf(this.#stores.content, this.#ctx, descriptor);
    if (children.length > 0) await this.#labelChildren(descriptor, children);
    await allSettledOrThrow(children.map((child) => this.#metadata(child)));
  }

  async #fetchOne(descriptor: ChildDescriptor): Promise<void> {
    const { fetcher, onProgress } = this.#options;
    const { digest, sizeBytes } = descriptor;
    const name = refOf(descriptor);
    const tell = (status: "waiting" | "downloading" | "done" | "exists", doneBytes: number) =>
      onProgress?.({ name, status, descriptor, doneBytes, totalBytes: sizeBytes });
    const { signal } = this.#ctx;
    signal?.throwIfAborted();
    let isNew = false;
    const bytes = async function* (offsetBytes: number) {
      isNew = true;
      let doneBytes = offsetBytes;
      tell("downloading", doneBytes);
      for await (const chunk of fetcher.fetch(descriptor, offsetBytes, signal)) {
        yield chunk;
        doneBytes += chunk.length;
        tell("downloading", doneBytes);
      }
    };
    tell("waiting", 0);
    await writeBlob(this.#stores.content, this.#ctx, { ref: name, sizeBytes, expected: digest, bytes });
    await this.#labelSource(digest);
    tell(isNew ? "done" : "exists", sizeBytes);
  }

  async #labelChildren(parent: Descriptor, children: readonly Descriptor[]): Promise<void> {
    const labels = childLabels(children);
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    await this.#stores.content.update(this.#ctx, { digest: parent.digest, labels }, paths);
  }

  /** Which repositories have the object: a push elsewhere can then mount it from there. */
  async #labelSource(digest: string): Promise<void> {
    const { host, repository } = this.#options.source;
    const key = `${DISTRIBUTION_SOURCE_PREFIX}${host}`;
    try {
      const { labels } = await this.#stores.content.info(this.#ctx, digest);
      const known = Object.hasOwn(labels, key) ? (labels[key] ?? "").split(",") : [];
      const value = [...new Set([...known, repository])].sort().join(",");
      if (Buffer.byteLength(key) + Buffer.byteLength(value) > MAX_LABEL_BYTES || known.includes(repository)) return;
      await this.#stores.content.update(this.#ctx, { digest, labels: { [key]: value } }, [`labels.${key}`]);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
