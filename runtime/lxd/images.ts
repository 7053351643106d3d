// Images of LXD's own store: taken from archives, named by aliases, fetched and written out again.
import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";
import * as z from "zod";
import { unknownError } from "../../api/core/errors.js";
import { type OperationOptions, runOperation } from "./operations.js";
import { lxdPath } from "./path.js";
import type { Operation } from "./replies.js";
import type { CallOptions, LxdServer } from "./server.js";

const imageSchema = z.object({
  /** The image's id: 64 hexadecimal digits. */
  fingerprint: z.string(),
  architecture: z.string(),
  /** What its archive was called by whoever brought it. */
  filename: z.string(),
  /** Bytes. */
  size: z.number(),
  properties: z.record(z.string(), z.string()).nullable(),
  aliases: z.array(z.object({ name: z.string(), description: z.string() })).nullable(),
});

export type LxdImage = z.infer<typeof imageSchema>;

/** The archives of an image: both halves in one with metadata.yaml and rootfs/, or each half alone. */
export type ImageArchive =
  | { readonly unified: AsyncIterable<Uint8Array> }
  | { readonly metadata: AsyncIterable<Uint8Array>; readonly rootfs: AsyncIterable<Uint8Array> };

const madeSchema = z.object({ fingerprint: z.string() });

/** @throws not_found. A fingerprint may be cut short as long as it is unique. */
export const getImage = (server: LxdServer, fingerprint: string, options?: CallOptions): Promise<LxdImage> =>
  server.ask(
    `look at image ${fingerprint}`,
    { method: "GET", path: lxdPath`/1.0/images/${fingerprint}` },
    imageSchema,
    options,
  );

export const listImages = (server: LxdServer, options?: CallOptions): Promise<LxdImage[]> =>
  server.ask("list images", { method: "GET", path: "/1.0/images?recursion=1" }, z.array(imageSchema), options);

export interface ImportOptions extends OperationOptions {
  /** Kept with the image, for people. */
  readonly filename?: string;
}

/**
 * Takes an image from archives, compressed or not. The upload has no deadline but the signal's.
 * @returns its fingerprint. @throws unknown for what is no image, or is there already.
 */
export async function importImage(
  server: LxdServer,
  archive: ImageArchive,
  { filename, ...options }: ImportOptions = {},
): Promise<string> {
  const { headers, bytes } = "unified" in archive ? whole(archive.unified) : inParts(archive);
  const named = { ...headers, ...(filename !== undefined && { "x-lxd-filename": filename }) };
  const request = { method: "POST", path: "/1.0/images", headers: named, bytes } as const;
  const last = await runOperation(server, "import an image", request, {
    timeoutMs: Number.POSITIVE_INFINITY,
    ...options,
  });
  return fingerprintOf(last);
}

/** Fetches an image from a simplestreams server; the operation's metadata tells the progress. @returns its fingerprint. */
export async function fetchImage(
  server: LxdServer,
  remote: { readonly server: string; readonly alias: string },
  options?: OperationOptions,
): Promise<string> {
  const source = { type: "image", mode: "pull", protocol: "simplestreams", ...remote };
  const request = { method: "POST", path: "/1.0/images", json: { source } } as const;
  return fingerprintOf(
    await runOperation(server, `fetch image ${remote.alias} from ${remote.server}`, request, options),
  );
}

/** Makes an image of a stopped instance or of a snapshot (`name/snapshot`). @returns its fingerprint. */
export async function publishImage(
  server: LxdServer,
  instance: string,
  { compression = "gzip", ...options }: OperationOptions & { readonly compression?: string } = {},
): Promise<string> {
  const source = { type: instance.includes("/") ? "snapshot" : "instance", name: instance };
  const json = { source, compression_algorithm: compression };
  const request = { method: "POST", path: "/1.0/images", json } as const;
  return fingerprintOf(await runOperation(server, `publish instance ${instance}`, request, options));
}

/** The archive of an image that came in one; to be read to its end or destroyed. @throws not_found */
export async function openImage(server: LxdServer, fingerprint: string, options?: CallOptions): Promise<Readable> {
  const path = lxdPath`/1.0/images/${fingerprint}/export`;
  return (await server.open(`read image ${fingerprint}`, { method: "GET", path }, options)).body;
}

/** Removes an image; instances that were made of it stay. @throws not_found */
export async function deleteImage(server: LxdServer, fingerprint: string, options?: OperationOptions): Promise<void> {
  const request = { method: "DELETE", path: lxdPath`/1.0/images/${fingerprint}` } as const;
  await runOperation(server, `delete image ${fingerprint}`, request, options);
}

/** The fingerprint behind an alias. @throws not_found */
export async function resolveAlias(server: LxdServer, alias: string, options?: CallOptions): Promise<string> {
  const request = { method: "GET", path: lxdPath`/1.0/images/aliases/${alias}` } as const;
  return (await server.ask(`look for image ${alias}`, request, z.object({ target: z.string() }), options)).target;
}

/** @throws already_exists for an alias that is taken; not_found without the image. */
export async function createAlias(
  server: LxdServer,
  alias: string,
  fingerprint: string,
  options?: CallOptions,
): Promise<void> {
  const json = { name: alias, target: fingerprint };
  await server.tell(
    `name image ${fingerprint} ${alias}`,
    { method: "POST", path: "/1.0/images/aliases", json },
    options,
  );
}

/** @throws not_found */
export async function deleteAlias(server: LxdServer, alias: string, options?: CallOptions): Promise<void> {
  const request = { method: "DELETE", path: lxdPath`/1.0/images/aliases/${alias}` } as const;
  await server.tell(`delete image alias ${alias}`, request, options);
}

function fingerprintOf(operation: Operation): string {
  const made = madeSchema.safeParse(operation.metadata);
  if (!made.success) throw unknownError(`lxd: ${operation.description}: no fingerprint`);
  return made.data.fingerprint;
}

interface Upload {
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: AsyncIterable<Uint8Array>;
}

const whole = (bytes: AsyncIterable<Uint8Array>): Upload => ({
  headers: { "content-type": "application/octet-stream" },
  bytes,
});

function inParts({
  metadata,
  rootfs,
}: {
  metadata: AsyncIterable<Uint8Array>;
  rootfs: AsyncIterable<Uint8Array>;
}): Upload {
  const boundary = randomBytes(16).toString("hex");
  const head = (name: string): Buffer =>
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"; filename="${name}.tar"\r\n` +
        "Content-Type: application/octet-stream\r\n\r\n",
    );
  async function* parts(): AsyncGenerator<Uint8Array> {
    // LXD wants them in this order.
    yield head("metadata");
    yield* metadata;
    yield Buffer.from("\r\n");
    yield head("rootfs");
    yield* rootfs;
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  }
  return { headers: { "content-type": `multipart/form-data; boundary=${boundary}` }, bytes: parts() };
}
