// What a daemon knows of an image beyond its record: how large it is, which platforms it is for, whether all of it is here.
// @source containerd core/images/image.go (Size via client/image.go, Platforms, Check)
import type { ContentReader } from "../../core/content.js";
import type { RequestContext } from "../../core/context.js";
import type { Descriptor } from "../../core/descriptor.js";
import { isNotFound } from "../../core/errors.js";
import { byPreference, type ChildDescriptor, childrenOf, parseConfig, readDocument } from "./manifest.js";
import { isConfig, isIndex } from "./media-types.js";
import type { Platform, PlatformMatcher } from "./platform.js";

/** A figure that may be less than the whole, and why. */
export interface Measured<T> {
  readonly value: T;
  /** What could not be read. */
  readonly problem?: unknown;
}

/** Bytes of what the best platform needs, as the descriptors tell them, the documents included. */
export async function imageSize(
  content: ContentReader,
  ctx: RequestContext,
  target: Descriptor,
  platform: PlatformMatcher,
): Promise<Measured<number>> {
  let sizeBytes = 0;
  const add = async (descriptor: Descriptor): Promise<void> => {
    sizeBytes += descriptor.sizeBytes;
    const children = await childrenOf(content, ctx, descriptor);
    const wanted = isIndex(descriptor.mediaType) ? byPreference(children, platform).slice(0, 1) : children;
    for (const child of wanted) await add(child);
  };
  try {
    await add(target);
    return { value: sizeBytes };
  } catch (problem) {
    return { value: sizeBytes, problem };
  }
}

/** The platforms that an image says it is for, each once for every manifest. */
export async function imagePlatforms(
  content: ContentReader,
  ctx: RequestContext,
  target: Descriptor,
): Promise<Measured<readonly Platform[]>> {
  const platforms: Platform[] = [];
  const visit = async (descriptor: ChildDescriptor): Promise<void> => {
    if (descriptor.platform !== undefined) {
      platforms.push(descriptor.platform);
    } else if (isConfig(descriptor.mediaType)) {
      const config = parseConfig(await readDocument(content, ctx, descriptor.digest), descriptor.digest);
      platforms.push({ os: config.os, architecture: config.architecture, variant: config.variant });
    } else {
      for (const child of await childrenOf(content, ctx, descriptor)) await visit(child);
    }
  };
  try {
    await visit(target);
    return { value: platforms };
  } catch (problem) {
    return { value: platforms, problem };
  }
}

/** Which of the config and layers that a platform needs are here. */
export interface ImageCheck {
  /** Whether it is known what is needed: the manifest is here, and one of it suits. */
  readonly isAvailable: boolean;
  readonly required: readonly Descriptor[];
  readonly present: readonly Descriptor[];
}

export async function checkImage(
  content: ContentReader,
  ctx: RequestContext,
  target: Descriptor,
  platform: PlatformMatcher,
): Promise<ImageCheck> {
  const has = async ({ digest }: Descriptor): Promise<boolean> => {
    try {
      await content.info(ctx, digest);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  };
  try {
    const required = await requiredOf(content, ctx, target, platform);
    if (required === undefined) return { isAvailable: false, required: [], present: [] };
    const found = await Promise.all(required.map(has));
    return { isAvailable: true, required, present: required.filter((_, at) => found[at] === true) };
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return { isAvailable: false, required: [], present: [] };
  }
}

/** Config and layers of the best manifest; undefined without one that suits. @throws not_found for documents that are missing. */
async function requiredOf(
  content: ContentReader,
  ctx: RequestContext,
  target: Descriptor,
  platform: PlatformMatcher,
): Promise<readonly Descriptor[] | undefined> {
  const children = await childrenOf(content, ctx, target);
  if (!isIndex(target.mediaType)) return children;
  const [best] = byPreference(children, platform);
  return best === undefined ? undefined : await requiredOf(content, ctx, best, platform);
}
