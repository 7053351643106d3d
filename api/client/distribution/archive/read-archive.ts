// Reading an archive of images: every file goes into the content store as it comes, so that nothing is held in memory and
// nothing is written twice. Which file is what, its documents tell afterwards.
// @source containerd core/images/archive/importer.go
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract, type Header } from "tar-stream";
import { z } from "zod";
import type { ContentStore } from "../../../core/content.js";
import type { RequestContext } from "../../../core/context.js";
import type { Descriptor } from "../../../core/descriptor.js";
import { invalidArgument } from "../../../core/errors.js";
import { writeBlob } from "../../../core/write-blob.js";
import { OCI_INDEX } from "../media-types.js";
import type { OnProgress } from "../progress.js";
import { unzstd } from "../unzstd.js";

const CLEANUP_MS = 10_000;
const MAX_JSON_BYTES = 20 * 1024 * 1024;
const GZIP = Buffer.from([0x1f, 0x8b]);
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

const dockerManifestSchema = z.array(
  z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish(), Layers: z.array(z.string()).nullish() }),
);
const layoutSchema = z.object({ imageLayoutVersion: z.string() });

export type DockerManifest = z.infer<typeof dockerManifestSchema>;

export interface Archive {
  readonly isOciLayout: boolean;
  /** Content of Docker's manifest.json, if there is one. */
  readonly dockerManifest: DockerManifest | undefined;
  /** What lies where; media types are known for index.json only. */
  readonly files: ReadonlyMap<string, Descriptor>;
  /** Links by their path: where they lead, within the archive. */
  readonly links: ReadonlyMap<string, string>;
}

/** A path in the archive without `./`, doubled slashes and steps up. @throws invalid_argument when it leads outside. */
export function cleanPath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw invalidArgument(`archive: path ${JSON.stringify(path)} leads outside`);
  }
  return parts.join("/");
}

/** The archive's bytes uncompressed, whatever it came as. */
export async function* uncompressed(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < ZSTD.length) {
    const next = await iterator.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = async function* () {
    yield head;
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
  };
  if (head.subarray(0, ZSTD.length).equals(ZSTD)) {
    yield* unzstd(whole());
    return;
  }
  if (!head.subarray(0, GZIP.length).equals(GZIP)) {
    yield* whole();
    return;
  }
  const gunzip = createGunzip();
  const feeding = pipeline(whole(), gunzip);
  feeding.catch(() => {});
  yield* gunzip;
  await feeding;
}

function parseJson<T>(schema: z.ZodType<T>, bytes: Uint8Array, path: string): T {
  try {
    return schema.parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    throw invalidArgument(`archive: ${path} is malformed`, error);
  }
}

async function readJson(entry: Source, header: Header, path: string): Promise<Buffer> {
  if ((header.size ?? 0) > MAX_JSON_BYTES)
    throw invalidArgument(`archive: ${path} is larger than ${MAX_JSON_BYTES} bytes`);
  return await buffer(entry);
}

/** What the unpacker hands out for each entry. */
type Source = Readable & { readonly header: Header };

/** Reads it all. @throws invalid_argument for what is no tar archive. */
export async function readArchive(
  content: ContentStore,
  ctx: RequestContext,
  source: Readable,
  onProgress?: OnProgress,
): Promise<Archive> {
  const files = new Map<string, Descriptor>();
  const links = new Map<string, string>();
  let isOciLayout = false;
  let dockerManifest: DockerManifest | undefined;
  const unpacker = extract();
  const feeding = pipeline(uncompressed(source), unpacker, { ...(ctx.signal && { signal: ctx.signal }) });
  feeding.catch(() => {});
  try {
    for await (const entry of unpacker as AsyncIterable<Source>) {
      // a streamx stream, which serves as one of Node's here
      const { header } = entry;
      const path = cleanPath(header.name);
      if (header.type === "symlink" || header.type === "link") {
        const target = header.linkname ?? "";
        const folder = header.type === "symlink" ? path.split("/").slice(0, -1).join("/") : "";
        links.set(path, cleanPath(target.startsWith("/") ? target : `${folder}/${target}`));
        entry.resume();
      } else if (header.type !== "file" && header.type !== "contiguous-file") {
        entry.resume();
      } else if (path === "oci-layout") {
        const { imageLayoutVersion } = parseJson(layoutSchema, await readJson(entry, header, path), path);
        if (imageLayoutVersion !== "1.0.0")
          throw invalidArgument(`archive: unsupported OCI layout ${imageLayoutVersion}`);
        isOciLayout = true;
      } else if (path === "manifest.json") {
        dockerManifest = parseJson(dockerManifestSchema, await readJson(entry, header, path), path);
      } else {
        files.set(path, await storeFile(content, ctx, path, entry, header.size ?? 0, onProgress));
      }
    }
    await feeding;
  } catch (error) {
    unpacker.destroy();
    ctx.signal?.throwIfAborted();
    if (error instanceof Error && "kind" in error) throw error;
    throw invalidArgument(`archive: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  return { isOciLayout, dockerManifest, files, links };
}

async function storeFile(
  content: ContentStore,
  ctx: RequestContext,
  path: string,
  entry: Source,
  sizeBytes: number,
  onProgress?: OnProgress,
): Promise<Descriptor> {
  let doneBytes = 0;
  const ref = `tar-${path}`;
  // An ingest of an earlier try has other bytes, as likely as not: this one begins anew.
  await content.abort(ctx, ref).catch(() => {});
  const bytes = async function* () {
    for await (const chunk of entry) {
      const data: Buffer = chunk;
      doneBytes += data.length;
      yield data;
      onProgress?.({ name: ref, status: "downloading", doneBytes, totalBytes: sizeBytes });
    }
  };
  const [, algorithm = "", hex = ""] = /^blobs\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
  const expected = algorithm === "sha256" && /^[a-f0-9]{64}$/.test(hex) ? `sha256:${hex}` : "";
  const digest = await writeBlob(content, ctx, { ref, sizeBytes, ...(expected && { expected }), bytes }).catch(
    async (error: unknown) => {
      // The bytes are of no use to anybody: what was written of them goes.
      await content.abort({ ...ctx, signal: AbortSignal.timeout(CLEANUP_MS) }, ref).catch(() => {});
      throw error;
    },
  );
  // What is there already is not read by the writer, but the archive has to move on.
  entry.resume();
  onProgress?.({ name: ref, status: "done", doneBytes: sizeBytes, totalBytes: sizeBytes });
  return { mediaType: path === "index.json" ? OCI_INDEX : "", digest, sizeBytes, annotations: {} };
}
