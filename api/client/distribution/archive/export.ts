// Exporting: images as one archive in OCI's layout, with the manifest.json that Docker reads; the same bytes every time.
// @source containerd core/images/archive/exporter.go
import { createHash } from "node:crypto";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { RequestContext } from "../../../core/context.js";
import type { Descriptor } from "../../../core/descriptor.js";
import { errorOf, invalidArgument, isNotFound } from "../../../core/errors.js";
import { familiarName, normalizeReference } from "../../../core/reference.js";
import { DISTRIBUTION_SOURCE_PREFIX } from "../gc-labels.js";
import { byPreference, childrenOf, resolveManifest } from "../manifest.js";
import { isIndex, isManifest, isNonDistributable, refOf } from "../media-types.js";
import { hostPlatform, onlyPlatforms, type PlatformMatcher } from "../platform.js";
import type { OnProgress } from "../progress.js";
import type { ImageStores } from "../stores.js";
import { IMAGE_NAME, REF_NAME } from "./image-names.js";
import { TAR_END, tarHeader, tarPadding } from "./tar-writer.js";

type Stores = Pick<ImageStores, "content">;

/** What of the images `exportImages` puts into the archive. */
export interface ExportOptions {
  /** Which manifests of an index; default: those that this machine can run. */
  readonly platform?: PlatformMatcher;
  /** All of them, and missing content is an error. Default: false. */
  readonly allPlatforms?: boolean;
  /** No manifest.json for indexes, and no names in it for the others. Default: false. */
  readonly skipManifestJson?: boolean;
  /** No layers that must not be passed on. Default: false. */
  readonly skipNonDistributable?: boolean;
  /** Hears of each blob as it is written. Default: nobody does. */
  readonly onProgress?: OnProgress | undefined;
}

/** One image of an archive; an `Image` of a store is one. */
export interface ExportedImage {
  /** A reference as Docker reads it; "" for none. */
  readonly name: string;
  /** A manifest or an index; its content must be in the store. */
  readonly target: Descriptor;
}

const LAYOUT = Buffer.from('{"imageLayoutVersion":"1.0.0"}');

/** What a name says behind its repository: tag, digest with its `@`, or nothing; all of it when it is no reference. */
function objectOf(name: string): string {
  const slash = name.indexOf("/");
  const [host, path] = slash < 0 ? [name, ""] : [name.slice(0, slash), name.slice(slash + 1)];
  if (!/^(?:\[[0-9a-fA-F:.]+\]|[^\s:@?#[\]]+)(?::\d*)?$/.test(host)) return name;
  const at = path.search(/[:@]/);
  return at < 0 ? "" : path.slice(path.charAt(at) === "@" ? at : at + 1);
}

/** JSON as Go writes it: what HTML and JavaScript would take for their own is escaped. */
function goJson(document: unknown): Buffer {
  const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return Buffer.from(JSON.stringify(document).replace(/[<>&\u2028\u2029]/g, escaped));
}

/** Everything of some images, each blob once. */
class Export {
  readonly #stores: Stores;
  readonly #ctx: RequestContext;
  readonly #options: ExportOptions;
  readonly blobs = new Map<string, Descriptor>();

  constructor(stores: Stores, ctx: RequestContext, options: ExportOptions) {
    this.#stores = stores;
    this.#ctx = ctx;
    this.#options = options;
  }

  async collect(descriptor: Descriptor): Promise<void> {
    if (this.#options.skipNonDistributable === true && isNonDistributable(descriptor.mediaType)) return;
    if (this.blobs.has(descriptor.digest)) return;
    this.blobs.set(descriptor.digest, descriptor);
    const all = await childrenOf(this.#stores.content, this.#ctx, descriptor);
    const isChosen = isIndex(descriptor.mediaType) && this.#options.allPlatforms !== true;
    const children = isChosen ? byPreference(all, this.#platform) : all;
    for (const child of children) await this.collect(child);
  }

  get #platform(): PlatformMatcher {
    return this.#options.platform ?? onlyPlatforms([hostPlatform()]);
  }

  /** An image's line of index.json. */
  async indexEntry({ name, target }: ExportedImage): Promise<unknown> {
    const { labels } = await this.#stores.content.info(this.#ctx, target.digest);
    const sources = Object.entries(labels).filter(([key]) => key.startsWith(DISTRIBUTION_SOURCE_PREFIX));
    const named = name === "" ? [] : [[IMAGE_NAME, name] as const, [REF_NAME, objectOf(name)] as const];
    const entries = [...Object.entries(target.annotations), ...sources, ...named];
    const annotations = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
    return {
      mediaType: target.mediaType,
      digest: target.digest,
      size: target.sizeBytes,
      ...(entries.length > 0 && { annotations }),
    };
  }

  /**
   * Docker's list: for each image the manifest that suits best. Who wants none still gets, as from containerd, the images that are
   * no index, without their names.
   * @throws not_found for an index with nothing for us.
   */
  async dockerManifest(images: readonly ExportedImage[]): Promise<unknown[]> {
    const isSkipped = this.#options.skipManifestJson === true;
    const byManifest = new Map<string, { Config: string; RepoTags: string[] | null; Layers: string[] }>();
    for (const { name, target } of images) {
      if (isSkipped && isIndex(target.mediaType)) continue;
      const resolved = await resolveManifest(this.#stores.content, this.#ctx, target, this.#platform).catch((error) => {
        throw isNotFound(error) ? errorOf("not_found", "no manifest found for platform", error) : error;
      });
      const { descriptor, manifest } = resolved;
      const known = byManifest.get(descriptor.digest) ?? {
        Config: blobPath(manifest.config.digest),
        RepoTags: null,
        Layers: manifest.layers.map(({ digest }) => blobPath(digest)),
      };
      if (name !== "" && !isSkipped) known.RepoTags = [...(known.RepoTags ?? []), repoTag(name)];
      byManifest.set(descriptor.digest, known);
    }
    return [...byManifest.values()];
  }
}

/** A name as Docker writes it. @throws invalid_argument for one that Docker cannot read. */
function repoTag(name: string): string {
  return familiarName(normalizeReference(name).text);
}

const blobPath = (digest: string): string => `blobs/${digest.replace(":", "/")}`;

function* file(name: string, mode: number, bytes: Uint8Array): Generator<Uint8Array> {
  yield tarHeader({ name, mode, sizeBytes: bytes.length });
  yield bytes;
  yield tarPadding(bytes.length);
}

/** Copies a blob, and makes sure that it is what its digest says. */
async function* blobFile(
  stores: Stores,
  ctx: RequestContext,
  blob: Descriptor,
  onProgress?: OnProgress,
): AsyncGenerator<Uint8Array> {
  const { digest } = blob;
  const { sizeBytes } = await stores.content.info(ctx, digest);
  const [algorithm = "", hex = ""] = digest.split(":");
  const hash = createHash(algorithm);
  yield tarHeader({ name: blobPath(digest), mode: 0o444, sizeBytes });
  let doneBytes = 0;
  for await (const chunk of stores.content.read(ctx, digest)) {
    hash.update(chunk);
    yield chunk;
    doneBytes += chunk.length;
    onProgress?.({ name: refOf(blob), status: "uploading", descriptor: blob, doneBytes, totalBytes: sizeBytes });
  }
  if (hash.digest("hex") !== hex) throw errorOf("data_loss", `content ${digest} is damaged`);
  yield tarPadding(sizeBytes);
  onProgress?.({ name: refOf(blob), status: "done", descriptor: blob, doneBytes, totalBytes: sizeBytes });
}

/** The archive, piece by piece; the same images make the same bytes. @throws as {@link exportImages}. */
export async function* imageArchive(
  stores: Stores,
  ctx: RequestContext,
  images: readonly ExportedImage[],
  options: ExportOptions = {},
): AsyncGenerator<Uint8Array> {
  const job = new Export(stores, ctx, options);
  for (const { target } of images) {
    if (!isIndex(target.mediaType) && !isManifest(target.mediaType)) {
      throw invalidArgument(`only manifests and indexes can be exported, not ${target.mediaType}`);
    }
    await job.collect(target);
  }
  const manifests: unknown[] = [];
  for (const image of images) manifests.push(await job.indexEntry(image));
  const docker = await job.dockerManifest(images);
  const blobs = [...job.blobs.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  yield tarHeader({ name: "blobs/", mode: 0o755 });
  for (const algorithm of new Set(blobs.map(({ digest }) => digest.split(":")[0] ?? ""))) {
    yield tarHeader({ name: `blobs/${algorithm}/`, mode: 0o755 });
    const own = blobs.filter(({ digest }) => digest.startsWith(`${algorithm}:`));
    for (const blob of own) yield* blobFile(stores, ctx, blob, options.onProgress);
  }
  yield* file("index.json", 0o644, goJson({ schemaVersion: 2, manifests }));
  if (docker.length > 0) yield* file("manifest.json", 0o644, goJson(docker));
  yield* file("oci-layout", 0o444, LAYOUT);
  yield TAR_END;
}

/**
 * Exports images as a tar archive into `destination`, which is ended. The same images make the same bytes.
 * @throws not_found for content that is missing, data_loss for content that is damaged.
 */
export async function exportImages(
  stores: ImageStores,
  ctx: RequestContext,
  images: readonly ExportedImage[],
  destination: Writable,
  options: ExportOptions = {},
): Promise<void> {
  await pipeline(imageArchive(stores, ctx, images, options), destination, {
    ...(ctx.signal && { signal: ctx.signal }),
  });
}
