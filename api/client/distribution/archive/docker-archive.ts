// Archives as `docker save` writes them: manifest.json says which files are config and layers; manifests and an index are made.
// @source containerd core/images/archive/importer.go (resolveLayers, ociImageConfig)

import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import type { ContentStore } from "../../../core/content.js";
import type { RequestContext } from "../../../core/context.js";
import type { Descriptor } from "../../../core/descriptor.js";
import { notFound } from "../../../core/errors.js";
import { normalizeReference } from "../../../core/reference.js";
import { writeBlob } from "../../../core/write-blob.js";
import { UNCOMPRESSED_LABEL } from "../gc-labels.js";
import { parseConfig, readDocument } from "../manifest.js";
import { DOCKER_CONFIG, DOCKER_LAYER, DOCKER_LAYER_GZIP, DOCKER_MANIFEST, OCI_INDEX } from "../media-types.js";
import { normalizePlatform, type Platform } from "../platform.js";
import { IMAGE_NAME, REF_NAME } from "./image-names.js";
import { type Archive, cleanPath } from "./read-archive.js";

const MAX_LINKS = 16;

/** A file of the archive by its path, through links. @throws not_found. */
function fileAt({ files, links }: Archive, path: string): Descriptor {
  let at = cleanPath(path);
  for (let steps = 0; steps < MAX_LINKS; steps += 1) {
    const file = files.get(at);
    if (file !== undefined) return file;
    const next = links.get(at);
    if (next === undefined) break;
    at = next;
  }
  throw notFound(`archive: file ${JSON.stringify(path)} that manifest.json names`);
}

async function isGzip(content: ContentStore, ctx: RequestContext, { digest, sizeBytes }: Descriptor): Promise<boolean> {
  if (sizeBytes < 2) return false;
  for await (const chunk of content.read(ctx, digest, { sizeBytes: 2 })) return chunk[0] === 0x1f && chunk[1] === 0x8b;
  return false;
}

/** The layer as gzip, with a label that says what it is uncompressed. */
async function compressed(content: ContentStore, ctx: RequestContext, layer: Descriptor): Promise<Descriptor> {
  const ref = `compress-blob-${layer.digest}`;
  await content.abort(ctx, ref).catch(() => {});
  let sizeBytes = 0;
  const bytes = async function* () {
    for await (const chunk of Readable.from(content.read(ctx, layer.digest)).pipe(createGzip())) {
      const data: Buffer = chunk;
      sizeBytes += data.length;
      yield data;
    }
  };
  const digest = await writeBlob(content, ctx, { ref, bytes, labels: { [UNCOMPRESSED_LABEL]: layer.digest } });
  if (sizeBytes === 0) ({ sizeBytes } = await content.info(ctx, digest));
  return { ...layer, mediaType: DOCKER_LAYER_GZIP, digest, sizeBytes };
}

const wire = ({ mediaType, digest, sizeBytes, annotations }: Descriptor, platform?: Platform) => ({
  mediaType,
  digest,
  size: sizeBytes,
  ...(platform && {
    platform: {
      architecture: platform.architecture,
      os: platform.os,
      ...(platform.variant !== "" && { variant: platform.variant }),
    },
  }),
  ...(Object.keys(annotations).length > 0 && { annotations }),
});

async function writeDocument(
  content: ContentStore,
  ctx: RequestContext,
  kind: string,
  mediaType: string,
  document: unknown,
) {
  const bytes = Buffer.from(JSON.stringify(document));
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  const descriptor = { mediaType, digest, sizeBytes: bytes.length, annotations: {} };
  await writeBlob(content, ctx, {
    ref: `${kind}-${digest}`,
    sizeBytes: bytes.length,
    expected: digest,
    bytes: (offset) => [bytes.subarray(offset)],
  });
  return descriptor;
}

/** Makes the manifests and the index that the archive lacks. @returns the index. */
export async function indexOfDockerArchive(
  content: ContentStore,
  ctx: RequestContext,
  archive: Archive,
  { compress }: { readonly compress: boolean },
): Promise<Descriptor> {
  const manifests: unknown[] = [];
  for (const { Config, RepoTags, Layers } of archive.dockerManifest ?? []) {
    const config = { ...fileAt(archive, Config), mediaType: DOCKER_CONFIG };
    const layers: Descriptor[] = [];
    for (const path of Layers ?? []) {
      const file = fileAt(archive, path);
      if (await isGzip(content, ctx, file)) layers.push({ ...file, mediaType: DOCKER_LAYER_GZIP });
      else layers.push(compress ? await compressed(content, ctx, file) : { ...file, mediaType: DOCKER_LAYER });
    }
    const { os, architecture, variant } = parseConfig(await readDocument(content, ctx, config.digest), config.digest);
    const platform = normalizePlatform({ os, architecture, variant });
    const document = {
      schemaVersion: 2,
      mediaType: DOCKER_MANIFEST,
      config: wire(config),
      layers: layers.map((layer) => wire(layer)),
    };
    const manifest = await writeDocument(content, ctx, "manifest", DOCKER_MANIFEST, document);
    const tags = RepoTags ?? [];
    if (tags.length === 0) manifests.push(wire(manifest, platform));
    for (const tag of tags) {
      const { text, tag: short } = normalizeReference(tag);
      const annotations = { [IMAGE_NAME]: text, [REF_NAME]: short ?? "" };
      manifests.push(wire({ ...manifest, annotations }, platform));
    }
  }
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests };
  return await writeDocument(content, ctx, "index", OCI_INDEX, index);
}
