// Exporting: images as one archive in OCI's layout, with the manifest.json that Docker reads; the same bytes every time.
// @source containerd core/images/archive/exporter.go
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import type { RequestContext } from "../../../core/context.js";
import type { Descriptor } from "../../../core/descriptor.js";
import { errorOf, invalidArgument, isNotFound } from "../../../core/errors.js";
import { DISTRIBUTION_SOURCE_PREFIX } from "../gc-labels.js";
import { byPreference, childrenOf, resolveManifest } from "../manifest.js";
import { isIndex, isManifest, isNonDistributable, refOf } from "../media-types.js";
import { hostPlatform, onlyPlatforms, type PlatformMatcher } from "../platform.js";
import type { OnProgress } from "../progress.js";
import { familiarName, normalizeReference } from "../reference.js";
import type { ImageStores } from "../stores.js";
import { IMAGE_NAME, REF_NAME } from "./image-names.js";

export interface ExportOptions {
  /** Which manifests of an index; default: those that this machine can run. */
  readonly platform?: PlatformMatcher;
  /** All of them, and missing content is an error. Default: false. */
  readonly allPlatforms?: boolean;
  /** No manifest.json. Default: false. */
  readonly skipManifestJson?: boolean;
  /** No layers that must not be passed on. Default: false. */
  readonly skipNonDistributable?: boolean;
  readonly onProgress?: OnProgress | undefined;
}

export interface ExportedImage {
  readonly name: string;
  readonly target: Descriptor;
}

const LAYOUT = Buffer.from('{"imageLayoutVersion":"1.0.0"}');
const EPOCH = new Date(0);

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
  readonly #stores: ImageStores;
  readonly #ctx: RequestContext;
  readonly #options: ExportOptions;
  readonly blobs = new Map<string, Descriptor>();

  constructor(stores: ImageStores, ctx: RequestContext, options: ExportOptions) {
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

  /** Docker's list: for each image the manifest that suits best. Images without one for us are not in it. */
  async dockerManifest(images: readonly ExportedImage[]): Promise<unknown[]> {
    const byManifest = new Map<string, { Config: string; RepoTags: string[]; Layers: string[] }>();
    for (const { name, target } of images) {
      const resolved = await resolveManifest(this.#stores.content, this.#ctx, target, this.#platform).catch((error) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      if (resolved === undefined) continue;
      const { descriptor, manifest } = resolved;
      const known = byManifest.get(descriptor.digest) ?? {
        Config: blobPath(manifest.config.digest),
        RepoTags: [],
        Layers: manifest.layers.map(({ digest }) => blobPath(digest)),
      };
      if (name !== "") known.RepoTags.push(repoTag(name));
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

/** Writes one entry and waits until the archive has taken it. */
async function writeFile(archive: Pack, name: string, mode: number, data: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    archive.entry({ name, mode, mtime: EPOCH, size: data.length }, Buffer.from(data), (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

function writeFolder(archive: Pack, name: string): void {
  archive.entry({ name, type: "directory", mode: 0o755, mtime: EPOCH });
}

/** Copies a blob, and makes sure that it is what its digest says. */
async function writeBlobFile(
  archive: Pack,
  stores: ImageStores,
  ctx: RequestContext,
  blob: Descriptor,
  onProgress?: OnProgress,
) {
  const { digest } = blob;
  const { sizeBytes } = await stores.content.info(ctx, digest);
  const [algorithm = "", hex = ""] = digest.split(":");
  const hash = createHash(algorithm);
  const entry = archive.entry({ name: blobPath(digest), mode: 0o444, mtime: EPOCH, size: sizeBytes });
  let doneBytes = 0;
  for await (const chunk of stores.content.read(ctx, digest)) {
    hash.update(chunk);
    if (!entry.write(chunk)) await once(entry, "drain");
    doneBytes += chunk.length;
    onProgress?.({ name: refOf(blob), status: "uploading", descriptor: blob, doneBytes, totalBytes: sizeBytes });
  }
  if (hash.digest("hex") !== hex) throw errorOf("data_loss", `content ${digest} is damaged`);
  entry.end(Buffer.alloc(0));
  onProgress?.({ name: refOf(blob), status: "done", descriptor: blob, doneBytes, totalBytes: sizeBytes });
}

/**
 * Exports images as a tar archive into `destination`, which is ended.
 * @throws not_found for content that is missing, data_loss for content that is damaged.
 */
export async function exportImages(
  stores: ImageStores,
  ctx: RequestContext,
  images: readonly ExportedImage[],
  destination: Writable,
  options: ExportOptions = {},
): Promise<void> {
  const job = new Export(stores, ctx, options);
  for (const { target } of images) {
    if (!isIndex(target.mediaType) && !isManifest(target.mediaType)) {
      throw invalidArgument(`only manifests and indexes can be exported, not ${target.mediaType}`);
    }
    await job.collect(target);
  }
  const entries: unknown[] = [];
  for (const image of images) entries.push(await job.indexEntry(image));
  const index = goJson({ schemaVersion: 2, manifests: entries });
  const docker = options.skipManifestJson === true ? [] : await job.dockerManifest(images);
  const archive = pack();
  const writing = finished(archive.pipe(destination));
  // Whoever reads the archive may go away while it is being written.
  const gone = writing.then(() => undefined);
  gone.catch((error: Error) => archive.destroy(error));
  try {
    await Promise.race([gone.then(() => new Promise<never>(() => {})), writeAll()]);
  } catch (error) {
    archive.destroy(error instanceof Error ? error : new Error(String(error)));
    destination.destroy();
    throw error;
  }
  await writing;

  async function writeAll(): Promise<void> {
    const blobs = [...job.blobs.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
    writeFolder(archive, "blobs/");
    for (const algorithm of new Set(blobs.map(({ digest }) => digest.split(":")[0] ?? ""))) {
      writeFolder(archive, `blobs/${algorithm}/`);
      const own = blobs.filter(({ digest }) => digest.startsWith(`${algorithm}:`));
      for (const blob of own) await writeBlobFile(archive, stores, ctx, blob, options.onProgress);
    }
    await writeFile(archive, "index.json", 0o644, index);
    if (docker.length > 0) await writeFile(archive, "manifest.json", 0o644, goJson(docker));
    await writeFile(archive, "oci-layout", 0o444, LAYOUT);
    archive.finalize();
  }
}
