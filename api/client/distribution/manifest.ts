// Documents of images: indexes, manifests, configs. Read from content, checked against what their descriptors say.
// @source opencontainers/image-spec; containerd core/images/image.go (Children, validateMediaType)
import * as z from "zod";
import type { ContentReader } from "../../core/content.js";
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { digestProblem } from "../../core/digest.js";
import { invalidArgument, notFound, notImplemented } from "../../core/errors.js";
import { isIndex, isManifest, isSchema1 } from "./media-types.js";
import type { Platform, PlatformMatcher } from "./platform.js";

/** Manifests beyond this are refused: containerd's limit for what a registry may send. */
export const MAX_DOCUMENT_BYTES = 4_400_000;

const descriptorSchema = z.object({
  mediaType: z.string().default(""),
  digest: z.string().refine((digest) => digestProblem(digest) === undefined, "must be a digest"),
  size: z.int().min(0).max(Number.MAX_SAFE_INTEGER),
  urls: z.array(z.string()).optional(),
  annotations: z.record(z.string(), z.string()).nullish(),
  platform: z
    .object({ os: z.string().default(""), architecture: z.string().default(""), variant: z.string().default("") })
    .nullish(),
});

const indexSchema = z.object({ mediaType: z.string().optional(), manifests: z.array(descriptorSchema).default([]) });
const manifestSchema = z.object({
  mediaType: z.string().optional(),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).default([]),
});

/** The parts of an image's config that Berth looks at; everything else is left alone. */
export const imageConfigSchema = z.object({
  os: z.string().default(""),
  architecture: z.string().default(""),
  variant: z.string().default(""),
  config: z
    .object({
      User: z.string().nullish(),
      Env: z.array(z.string()).nullish(),
      Entrypoint: z.array(z.string()).nullish(),
      Cmd: z.array(z.string()).nullish(),
      WorkingDir: z.string().nullish(),
      StopSignal: z.string().nullish(),
      Labels: z.record(z.string(), z.string()).nullish(),
      Volumes: z.record(z.string(), z.unknown()).nullish(),
      ExposedPorts: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
  rootfs: z.object({ diff_ids: z.array(z.string()).default([]) }).default({ diff_ids: [] }),
});

export type ImageConfig = z.infer<typeof imageConfigSchema>;

/** A descriptor inside a document: it may say where it can be had and for which platform it is. */
export interface ChildDescriptor extends Descriptor {
  readonly platform?: Platform | undefined;
  readonly urls?: readonly string[] | undefined;
}

export interface Manifest {
  readonly config: ChildDescriptor;
  readonly layers: readonly ChildDescriptor[];
}

const toDescriptor = (parsed: z.infer<typeof descriptorSchema>): ChildDescriptor => ({
  mediaType: parsed.mediaType,
  digest: parsed.digest,
  sizeBytes: parsed.size,
  annotations: Object.fromEntries(Object.entries(parsed.annotations ?? {})),
  platform: parsed.platform ?? undefined,
  urls: parsed.urls,
});

/** A whole blob that is small by its nature. @throws not_found, invalid_argument when it is too large. */
export async function readDocument(content: ContentReader, ctx: RequestContext, digest: string): Promise<Buffer> {
  const { sizeBytes } = await content.info(ctx, digest);
  if (sizeBytes > MAX_DOCUMENT_BYTES * 5)
    throw invalidArgument(`content ${digest} of ${sizeBytes} bytes is no document`);
  const chunks: Uint8Array[] = [];
  for await (const chunk of content.read(ctx, digest)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function parseJson(bytes: Uint8Array, digest: string): Record<string, unknown> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(Buffer.from(bytes).toString()));
  } catch (error) {
    throw invalidArgument(`content ${digest} is no JSON document`, error);
  }
}

function parseAs<T>(schema: z.ZodType<T>, document: unknown, digest: string, what: string): T {
  const parsed = schema.safeParse(document);
  if (!parsed.success) throw invalidArgument(`content ${digest} is no ${what}: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** One document must not pass for another: a manifest has no manifests, an index no layers. @throws invalid_argument. */
function requireForm(document: Record<string, unknown>, { mediaType, digest }: Descriptor): void {
  const wrong = (why: string) => invalidArgument(`content ${digest}: ${why}`);
  if ("fsLayers" in document) throw notImplemented(`content ${digest}: schema 1 manifests are not supported`);
  if (isManifest(mediaType) && "manifests" in document) throw wrong("a manifest with manifests is an index");
  if (isIndex(mediaType) && ("config" in document || "layers" in document)) throw wrong("an index with layers");
  const declared = document["mediaType"];
  if (typeof declared === "string" && declared !== "" && declared !== mediaType) {
    throw wrong(`declares media type ${declared}, described as ${mediaType}`);
  }
}

/** The manifest in `bytes`. @throws invalid_argument, not_implemented for schema 1. */
export function parseManifest(bytes: Uint8Array, descriptor: Descriptor): Manifest {
  const document = parseJson(bytes, descriptor.digest);
  requireForm(document, descriptor);
  const { config, layers } = parseAs(manifestSchema, document, descriptor.digest, "manifest");
  return { config: toDescriptor(config), layers: layers.map(toDescriptor) };
}

/** The manifests of the index in `bytes`. @throws invalid_argument. */
export function parseIndex(bytes: Uint8Array, descriptor: Descriptor): ChildDescriptor[] {
  const document = parseJson(bytes, descriptor.digest);
  requireForm(document, descriptor);
  return parseAs(indexSchema, document, descriptor.digest, "index").manifests.map(toDescriptor);
}

/** @throws invalid_argument. */
export function parseConfig(bytes: Uint8Array, digest: string): ImageConfig {
  return parseAs(imageConfigSchema, parseJson(bytes, digest), digest, "image config");
}

/** What a document refers to, in its order: config and layers, or manifests. Nothing for what is no document. */
export async function childrenOf(
  content: ContentReader,
  ctx: RequestContext,
  descriptor: Descriptor,
): Promise<readonly ChildDescriptor[]> {
  const { mediaType, digest } = descriptor;
  if (isSchema1(mediaType)) throw notImplemented(`content ${digest}: schema 1 manifests are not supported`);
  if (isManifest(mediaType)) {
    const { config, layers } = parseManifest(await readDocument(content, ctx, digest), descriptor);
    return [config, ...layers];
  }
  if (isIndex(mediaType)) return parseIndex(await readDocument(content, ctx, digest), descriptor);
  return [];
}

/**
 * The manifest of an image for a platform: the target itself when it is one, else the best of the index that is here.
 * @throws not_found when no platform matches or its manifest is missing.
 */
export async function resolveManifest(
  content: ContentReader,
  ctx: RequestContext,
  target: Descriptor,
  platform: PlatformMatcher,
): Promise<{ readonly descriptor: Descriptor; readonly manifest: Manifest; readonly config: ImageConfig }> {
  if (!isIndex(target.mediaType)) {
    const manifest = parseManifest(await readDocument(content, ctx, target.digest), target);
    const config = parseConfig(await readDocument(content, ctx, manifest.config.digest), manifest.config.digest);
    return { descriptor: target, manifest, config };
  }
  const children = await childrenOf(content, ctx, target);
  for (const child of byPreference(children, platform)) {
    if (isIndex(child.mediaType) || isManifest(child.mediaType)) return resolveManifest(content, ctx, child, platform);
  }
  throw notFound(`no match for platform in manifest ${target.digest}`);
}

/** Those that are taken, the best first; equals stay in order. */
export function byPreference(children: readonly ChildDescriptor[], platform: PlatformMatcher): ChildDescriptor[] {
  return children
    .map((child) => ({ child, rank: platform.rank(child.platform) }))
    .filter((entry): entry is { child: ChildDescriptor; rank: number } => entry.rank !== undefined)
    .sort((a, b) => a.rank - b.rank)
    .map(({ child }) => child);
}
