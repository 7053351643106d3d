// Fetching: an object and all it refers to, from a registry into the content store, each only once and only what is missing.
// @source containerd core/remotes/handlers.go (FetchHandler), core/images/handlers.go (Dispatch)
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { invalidArgument, isFailedPrecondition, isNotFound, notImplemented } from "../../core/errors.js";
import { Limit } from "../../core/limit.js";
import type { Reference } from "../../core/reference.js";
import { writeBlob } from "../../core/write-blob.js";
import { allSettledOrThrow } from "./all-settled.js";
import { childLabels, sourceLabel } from "./gc-labels.js";
import { byPreference, type ChildDescriptor, childrenOf, MAX_DOCUMENT_BYTES } from "./manifest.js";
import { isIndex, isLayer, isManifest, isSchema1, refOf } from "./media-types.js";
import type { PlatformMatcher } from "./platform.js";
import type { OnProgress } from "./progress.js";
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
  /** Hears at once of a failure, to end what else is under way; the one who asked hears of it when that has ended. */
  readonly onFailure?: (error: unknown) => void;
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
    // Also what nobody awaits yet ends the rest.
    fetching.catch((error: unknown) => this.#options.onFailure?.(error));
    return fetching;
  }

  /** An object and all below it that the platforms ask for. `onManifest` hears of each manifest once it and its config are here. */
  async fetchTree(
    descriptor: ChildDescriptor,
    onManifest: (manifest: ChildDescriptor) => Promise<unknown> = async () => {},
  ): Promise<void> {
    const children = await this.#fetchParent(descriptor);
    if (children.length === 0) return;
    const wanted = this.#wanted(descriptor, children);
    if (isManifest(descriptor.mediaType)) {
      const layers = wanted.filter(({ mediaType }) => isLayer(mediaType));
      // Layers go under way before the config is waited for.
      const fetching = layers.map((layer) => this.fetch(layer));
      const others = allSettledOrThrow(
        wanted.filter((child) => !layers.includes(child)).map((child) => this.fetch(child)),
      );
      await allSettledOrThrow([...fetching, others.then(() => onManifest(descriptor))]);
      return;
    }
    await allSettledOrThrow(wanted.map((child) => this.fetchTree(child, onManifest)));
    if (this.#options.allMetadata === true) {
      await allSettledOrThrow(
        children.filter((child) => !wanted.includes(child)).map((child) => this.fetchMetadata(child)),
      );
    }
  }

  #wanted(parent: Descriptor, children: readonly ChildDescriptor[]): readonly ChildDescriptor[] {
    if (!isIndex(parent.mediaType)) return children;
    const matching = byPreference(children, this.#options.platform);
    return this.#options.allMatching === true ? matching : matching.slice(0, 1);
  }

  /** An object and all below it but layers, of every platform. */
  async fetchMetadata(descriptor: ChildDescriptor): Promise<void> {
    if (isLayer(descriptor.mediaType)) return;
    const children = await this.#fetchParent(descriptor);
    await allSettledOrThrow(children.map((child) => this.fetchMetadata(child)));
  }

  /** An object that may refer to others. @returns those, which its labels name from now on. */
  async #fetchParent(descriptor: ChildDescriptor): Promise<readonly ChildDescriptor[]> {
    if (isSchema1(descriptor.mediaType)) {
      throw notImplemented(`${descriptor.digest}: schema 1 manifests are not supported, the image must be pushed anew`);
    }
    await this.fetch(descriptor);
    const children = await childrenOf(this.#stores.content, this.#ctx, descriptor);
    if (children.length > 0) await this.#labelChildren(descriptor, children);
    return children;
  }

  async #fetchOne(descriptor: ChildDescriptor): Promise<void> {
    const { digest, sizeBytes } = descriptor;
    this.#ctx.signal?.throwIfAborted();
    this.#tell(descriptor, "waiting", 0);
    let startBytes: number | undefined;
    const startedAt = (offsetBytes: number) => {
      startBytes = offsetBytes;
    };
    try {
      await this.#write(descriptor, startedAt);
    } catch (error) {
      if (!isFailedPrecondition(error)) throw error;
      // These bytes are not what was promised; kept, they would spoil every later try. If a part of them is from an earlier
      // one, that may have been the wrong one.
      await this.#dropIngest(descriptor);
      if (startBytes === 0) throw error;
      await this.#write(descriptor, startedAt).catch(async (failure: unknown) => {
        if (isFailedPrecondition(failure)) await this.#dropIngest(descriptor);
        throw failure;
      });
    }
    await this.#labelSource(digest);
    this.#tell(descriptor, startBytes === undefined ? "exists" : "done", sizeBytes);
  }

  /** `startedAt` hears where the download begins, if there is one. */
  async #write(descriptor: ChildDescriptor, startedAt: (offsetBytes: number) => void): Promise<void> {
    const { digest, sizeBytes, mediaType } = descriptor;
    const { fetcher } = this.#options;
    const { signal: given } = this.#ctx;
    const tell = (doneBytes: number) => this.#tell(descriptor, "downloading", doneBytes);
    const bytes = async function* (offsetBytes: number, lost?: AbortSignal) {
      // As a server tells that does not know it.
      if (sizeBytes === 0) throw invalidArgument(`${digest}: unable to fetch what reports a size of zero`);
      if ((isManifest(mediaType) || isIndex(mediaType)) && sizeBytes > MAX_DOCUMENT_BYTES)
        throw invalidArgument(`${digest}: a manifest of ${sizeBytes} bytes exceeds ${MAX_DOCUMENT_BYTES}`);
      startedAt(offsetBytes);
      let doneBytes = offsetBytes;
      tell(doneBytes);
      const heard = (sizeBytes: number) => {
        doneBytes += sizeBytes;
        tell(doneBytes);
      };
      const signals = [given, lost].filter((signal) => signal !== undefined);
      yield* inBatches(fetcher.fetch(descriptor, offsetBytes, AbortSignal.any(signals)), heard);
    };
    await writeBlob(this.#stores.content, this.#ctx, { ref: refOf(descriptor), sizeBytes, expected: digest, bytes });
  }

  async #dropIngest(descriptor: Descriptor): Promise<void> {
    await this.#stores.content.abort(this.#ctx, refOf(descriptor)).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  }

  #tell(descriptor: Descriptor, status: "waiting" | "downloading" | "done" | "exists", doneBytes: number): void {
    const name = refOf(descriptor);
    this.#options.onProgress?.({ name, status, descriptor, doneBytes, totalBytes: descriptor.sizeBytes });
  }

  async #labelChildren(parent: Descriptor, children: readonly Descriptor[]): Promise<void> {
    const labels = childLabels(children);
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    await this.#stores.content.update(this.#ctx, { digest: parent.digest, labels }, paths);
  }

  /** Which repositories have the object: a push elsewhere can then mount it from there. */
  async #labelSource(digest: string): Promise<void> {
    const { host, repository } = this.#options.source;
    const key = sourceLabel(host);
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

const BATCH_BYTES = 1 << 20;

/** Larger pieces than the network's: each is answered by the store. When the source fails, what came before is handed on first. */
async function* inBatches(source: AsyncIterable<Uint8Array>, heard: (sizeBytes: number) => void) {
  let batch: Uint8Array[] = [];
  let sizeBytes = 0;
  let failure: { readonly error: unknown } | undefined;
  const chunks = source[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        failure = { error };
        return undefined;
      });
      if (next === undefined || next.done === true) break;
      batch.push(next.value);
      sizeBytes += next.value.length;
      heard(next.value.length);
      if (sizeBytes < BATCH_BYTES) continue;
      yield Buffer.concat(batch);
      batch = [];
      sizeBytes = 0;
    }
    if (sizeBytes > 0) yield Buffer.concat(batch);
  } finally {
    await chunks.return?.();
  }
  if (failure !== undefined) throw failure.error;
}
