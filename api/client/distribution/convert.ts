// Converting: an image's documents and layers written anew in another form. What need not change keeps its digest.
// @source containerd core/images/converter/{converter,default}.go, core/images/converter/uncompress/uncompress.go
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { errorOf, invalidArgument } from "../../core/errors.js";
import type { Image } from "../../core/image.js";
import { writeBlob } from "../../core/write-blob.js";
import { withLease } from "../remote-lease-store.js";
import { childLabels, UNCOMPRESSED_LABEL } from "./gc-labels.js";
import { byPreference, type ChildDescriptor, childrenOf, readDocument } from "./manifest.js";
import {
  DOCKER_LAYER,
  DOCKER_LAYER_GZIP,
  isIndex,
  isLayer,
  isManifest,
  OCI_LAYER,
  OCI_LAYER_GZIP,
  OCI_LAYER_ZSTD,
  ociTypeOf,
} from "./media-types.js";
import type { PlatformMatcher } from "./platform.js";
import { putImage } from "./pull.js";
import type { ImageStores } from "./stores.js";
import { unzstd } from "./unzstd.js";

/** What `convertImage` changes. With neither `uncompress` nor `toOci` it only leaves platforms out. */
export interface ConvertOptions {
  /** Layers without compression. Default: false. */
  readonly uncompress?: boolean;
  /** Docker's media types become OCI's. Default: false. */
  readonly toOci?: boolean;
  /** Which manifests of an index are taken along; their layers must be here. */
  readonly platform: PlatformMatcher;
}

const UNCOMPRESSED = new Map([
  [DOCKER_LAYER_GZIP, DOCKER_LAYER],
  [OCI_LAYER_GZIP, OCI_LAYER],
  [OCI_LAYER_ZSTD, OCI_LAYER],
]);

class Conversion {
  readonly #stores: ImageStores;
  readonly #ctx: RequestContext;
  readonly #options: ConvertOptions;

  constructor(stores: ImageStores, ctx: RequestContext, options: ConvertOptions) {
    this.#stores = stores;
    this.#ctx = ctx;
    this.#options = options;
  }

  /** The descriptor of what an object becomes. */
  async convert(descriptor: ChildDescriptor): Promise<Descriptor> {
    const mediaType = this.#mediaType(descriptor.mediaType);
    if (isIndex(mediaType) || isManifest(mediaType)) return await this.#document(descriptor, mediaType);
    const plain = this.#options.uncompress === true ? UNCOMPRESSED.get(mediaType) : undefined;
    if (isLayer(mediaType) && plain !== undefined) return await this.#uncompress(descriptor, plain);
    return { ...descriptor, mediaType };
  }

  #mediaType(mediaType: string): string {
    return this.#options.toOci === true ? ociTypeOf(mediaType) : mediaType;
  }

  /** An index or manifest with what its children have become; members that we do not know stay as they are. */
  async #document(descriptor: Descriptor, mediaType: string): Promise<Descriptor> {
    const { content } = this.#stores;
    const all = await childrenOf(content, this.#ctx, descriptor);
    const children = isIndex(mediaType) ? byPreference(all, this.#options.platform) : all;
    const converted = new Map<string, Descriptor>();
    for (const child of children) converted.set(child.digest, await this.convert(child));
    const original = await readDocument(content, this.#ctx, descriptor.digest);
    const document: Record<string, unknown> = JSON.parse(original.toString());
    const renew = (entry: unknown): unknown => {
      const { digest } = entry as { digest: string }; // childrenOf has checked its form
      const now = converted.get(digest);
      return now === undefined
        ? []
        : { ...Object(entry), mediaType: now.mediaType, digest: now.digest, size: now.sizeBytes };
    };
    const renewed = Object.entries(document).map(([key, value]): [string, unknown] => {
      if (key === "mediaType") return [key, mediaType];
      if (key === "config") return [key, renew(value)];
      return [key, (key === "layers" || key === "manifests") && Array.isArray(value) ? value.flatMap(renew) : value];
    });
    const isSame =
      mediaType === descriptor.mediaType &&
      children.length === all.length &&
      children.every(({ digest }) => converted.get(digest)?.digest === digest);
    const bytes = isSame ? original : Buffer.from(JSON.stringify(Object.fromEntries(renewed)));
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const labels = childLabels([...converted.values()]);
    await writeBlob(content, this.#ctx, {
      ref: `convert-${digest}`,
      sizeBytes: bytes.length,
      expected: digest,
      labels,
      bytes: (offset) => [bytes.subarray(offset)],
    });
    const paths = Object.keys(labels).map((key) => `labels.${key}`);
    await content.update(this.#ctx, { digest, labels }, paths);
    return { ...descriptor, mediaType, digest, sizeBytes: bytes.length };
  }

  async #uncompress(layer: Descriptor, mediaType: string): Promise<Descriptor> {
    const { content } = this.#stores;
    const ref = `convert-uncompress-from-${layer.digest}`;
    await content.abort(this.#ctx, ref).catch(() => {});
    const source = () => content.read(this.#ctx, layer.digest);
    const bytes = () => (layer.mediaType === OCI_LAYER_ZSTD ? unzstd(source()) : gunzip(source()));
    const digest = await writeBlob(content, this.#ctx, { ref, bytes });
    const { sizeBytes } = await content.info(this.#ctx, digest);
    const known = (await content.info(this.#ctx, layer.digest)).labels[UNCOMPRESSED_LABEL];
    if (known !== undefined && known !== digest) {
      throw errorOf("data_loss", `layer ${layer.digest} is ${digest} uncompressed and not ${known}`);
    }
    return { ...layer, mediaType, digest, sizeBytes };
  }
}

async function* gunzip(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const input = Readable.from(source);
  const output = createGunzip();
  input.on("error", (error) => output.destroy(error));
  yield* input.pipe(output);
}

/**
 * Converts the image `source` and names the result `target`, which may exist.
 * @throws not_found for content that is missing, or when no platform matches.
 */
export async function convertImage(
  stores: ImageStores,
  ctx: RequestContext,
  source: string,
  target: string,
  options: ConvertOptions,
): Promise<Image> {
  return await withLease(stores.leases, ctx, async (leased) => {
    const image = await stores.images.get(leased, source);
    const { mediaType } = image.target;
    if (!isIndex(mediaType) && !isManifest(mediaType)) throw invalidArgument(`${mediaType} cannot be converted`);
    const converted = await new Conversion(stores, leased, options).convert(image.target);
    return await putImage(stores, leased, target, converted, image.labels);
  });
}
