// An image for a task about to be made: the engine's own, else ours, else its registry's. Tasks that want one at the same time share
// the way to it.
import { invalidArgument, notFound } from "../../api/core/errors.js";
import { quote } from "../../api/core/quote.js";
import type { Engine } from "./engine.js";
import { engineImageName } from "./image-name.js";
import type { PullProgress } from "./image-progress.js";
import { findImage, loadImage, pullImage, type RegistryAuth, type TransferOptions, tagImage } from "./images.js";
import { SharedWork } from "./shared-work.js";

/** The daemon's own images. */
export interface ImageSource {
  /** An archive of the image, without names; undefined when the namespace has no such image. */
  exportArchive(namespace: string, name: string, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Who to be at the registry of this reference. */
  registryAuth(ref: string): Promise<RegistryAuth | undefined>;
}

export interface ImageRequest extends TransferOptions {
  /** As the container's record names it. */
  readonly ref: string;
  /** Whose images of ours count. */
  readonly namespace: string;
  /** Whether the engine fetches it: when it is nowhere here, not at all, or in any case. Default: `missing`. */
  readonly pull?: "missing" | "never" | "always" | undefined;
  /** undefined: there are none, and nobody to log in as. */
  readonly images: ImageSource | undefined;
}

type Work = SharedWork<string | undefined, PullProgress>;

/** What is under way belongs to its engine, and goes with it. */
const works = new WeakMap<Engine, Work>();

function workOf(engine: Engine): Work {
  const known = works.get(engine);
  if (known !== undefined) return known;
  const work: Work = new SharedWork();
  works.set(engine, work);
  return work;
}

/**
 * Sees to it that the engine has the image. An image that it loads from ours gets the name it has with us; a digest, which an engine
 * gives only to what it has pulled, becomes the tag `sha256-…`.
 * @returns the name of it that the engine understands.
 * @throws not_found when nobody has it and none is to be pulled; failed_precondition when ours is not whole; what a pull throws.
 */
export async function ensureImage(engine: Engine, request: ImageRequest): Promise<{ readonly reference: string }> {
  const { ref, namespace, pull = "missing", images, signal, onProgress, stallTimeoutMs } = request;
  if (ref === "") throw invalidArgument("a container on a docker engine needs an image, and its record names none");
  const participant = { signal, onNews: onProgress };
  const work = workOf(engine);
  if (pull !== "always") {
    const here =
      (await findImage(engine, ref, signal)) ??
      (images &&
        (await work.run(
          `load image ${ref} of namespace ${namespace}`,
          // Another one may have loaded it meanwhile.
          async (shared, tell) =>
            (await findImage(engine, ref, shared)) ??
            (await load(engine, images, { ref, namespace, signal: shared, onProgress: tell, stallTimeoutMs })),
          participant,
        )));
    if (here !== undefined) return { reference: here };
  }
  if (pull === "never") {
    const places = `the docker engine at ${engine.host} nor in namespace ${quote(namespace)}`;
    throw notFound(`image ${quote(ref)} is neither in ${places}, and it is not to be pulled`);
  }
  if (engineImageName(ref)?.remote === undefined) throw notFound(`image ${quote(ref)}, which no registry can have,`);
  const pulled = await work.run(
    `pull image ${ref}`,
    async (shared, tell) => {
      const there = pull === "always" ? undefined : await findImage(engine, ref, shared);
      if (there !== undefined) return there;
      const auth = await images?.registryAuth(ref);
      await pullImage(engine, ref, { auth, signal: shared, onProgress: tell, stallTimeoutMs });
      return await findImage(engine, ref, shared);
    },
    participant,
  );
  if (pulled === undefined) throw notFound(`image ${quote(ref)} in the docker engine that has just pulled it`);
  return { reference: pulled };
}

/** From our store into the engine's. undefined when we have no such image. */
async function load(
  engine: Engine,
  images: ImageSource,
  { ref, namespace, ...options }: TransferOptions & { readonly ref: string; readonly namespace: string },
): Promise<string | undefined> {
  const archive = await images.exportArchive(namespace, ref, options.signal);
  if (archive === undefined) return undefined;
  const loaded = await loadImage(engine, archive, options);
  const remote = engineImageName(ref)?.remote;
  if (remote === undefined) return loaded;
  await tagImage(engine, loaded, remote);
  return `${remote.repository}:${remote.tag}`;
}
