// The differ: layers in and out of mounts. Here is what must be known before and after; the work itself is done by threads, so
// that the event loop stays free.
// @source containerd plugins/diff/walking, core/diff/apply/apply.go
import { mkdir, readdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { ContentStore } from "../../api/core/content.js";
import type { RequestContext } from "../../api/core/context.js";
import type { Descriptor } from "../../api/core/descriptor.js";
import type { ApplyOptions, Differ, DiffOptions } from "../../api/core/diff.js";
import {
  ContainerdError,
  invalidArgument,
  notFound,
  notImplemented,
  unknownError,
  wrapError,
} from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import type { Mount } from "../../api/core/task.js";
import type { ApplyTarget } from "./job.js";
import { compressionOf, GZIP_LAYER, isSniffed, PLAIN_LAYER } from "./media-types.js";
import { storeLayer } from "./new-blob.js";
import { takeDown } from "./temp-mount.js";
import { JobError, ThreadPool } from "./thread-pool.js";

export interface DifferOptions {
  readonly content: ContentStore;
  /** Path of a blob's file. */
  readonly blobPath: (digest: string) => string;
  /** Folder of temporary mounts; this differ's alone, made when missing. */
  readonly tempDir: string;
  /** Default: silent. */
  readonly log?: Logger;
}

const MIN_THREADS = 2;
const MAX_THREADS = 4;

/** Takes down what a predecessor left mounted. Dispose it to end its threads. */
export async function createDiffer(options: DifferOptions): Promise<LocalDiffer> {
  await mkdir(options.tempDir, { recursive: true, mode: 0o700 });
  for (const name of await readdir(options.tempDir)) {
    const folder = join(options.tempDir, name);
    try {
      takeDown(folder);
    } catch (err) {
      options.log?.warn({ folder, err }, "a temporary mount stays");
    }
  }
  return new LocalDiffer(options);
}

export class LocalDiffer implements Differ, AsyncDisposable {
  readonly #options: DifferOptions;
  readonly #threads = new ThreadPool(Math.min(MAX_THREADS, Math.max(MIN_THREADS, availableParallelism())));

  constructor(options: DifferOptions) {
    this.#options = options;
  }

  /** Folders of temporary mounts that no job can be using; none while jobs run, since theirs look alike. */
  async strayMounts(): Promise<string[]> {
    const { tempDir } = this.#options;
    const names = await readdir(tempDir);
    return this.#threads.isIdle ? names.map((name) => join(tempDir, name)) : [];
  }

  async apply(
    ctx: RequestContext,
    layer: Descriptor,
    mounts: readonly Mount[],
    { syncFs = false }: ApplyOptions = {},
  ): Promise<Descriptor> {
    const { content, blobPath, tempDir } = this.#options;
    try {
      await content.info(ctx, layer.digest);
    } catch (error) {
      throw wrapError("failed to get reader from content store", error);
    }
    const sniffed = isSniffed(layer.mediaType);
    const target = targetOf(mounts, tempDir);
    const path = blobPath(layer.digest);
    try {
      const job = { kind: "apply", path, sniffed, target, syncFs } as const;
      const { digest, sizeBytes } = await this.#threads.run(job, { signal: ctx.signal });
      return { mediaType: PLAIN_LAYER, digest, sizeBytes, annotations: {} };
    } catch (error) {
      if (isMissing(error, path))
        throw notFound(`failed to get reader from content store: content digest ${layer.digest}`);
      throw toKind(error);
    }
  }

  async diff(
    ctx: RequestContext,
    left: readonly Mount[],
    right: readonly Mount[],
    options: DiffOptions = {},
  ): Promise<Descriptor> {
    const { mediaType = GZIP_LAYER, labels = {}, sourceDateEpochNs } = options;
    const compression = compressionOf(mediaType);
    if (compression === undefined) throw notImplemented(`unsupported diff media type: ${mediaType}`);
    refuseTargets([...left, ...right]);
    const { content, tempDir } = this.#options;
    const job = { kind: "diff", left, right, tempDir, compression, sourceDateEpochNs } as const;
    const blob = { mediaType, ref: options.ref, labels, isCompressed: compression !== "none" };
    try {
      return await storeLayer(content, ctx, blob, (onData) => this.#threads.run(job, { signal: ctx.signal, onData }));
    } catch (error) {
      throw toKind(error);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#threads[Symbol.asyncDispose]();
  }
}

/** One overlay is written to where its changes lie, without mounting it. @throws invalid_argument for mounts that cannot take a layer. */
function targetOf(mounts: readonly Mount[], tempDir: string): ApplyTarget {
  if (mounts.length === 0) throw invalidArgument("a layer needs mounts to be unpacked into");
  refuseTargets(mounts);
  const [first] = mounts;
  if (mounts.length > 1 || first?.type !== "overlay") return { kind: "mounts", mounts, tempDir };
  const optionOf = (name: string): string | undefined =>
    first.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const upper = optionOf("upperdir");
  if (upper === undefined) throw invalidArgument("upperdir not found in overlay mount");
  return { kind: "overlay", upper, lowers: optionOf("lowerdir")?.split(":") ?? [] };
}

/** Snapshotters hand out mounts of one place; a mount inside another has nothing to do with a layer. */
function refuseTargets(mounts: readonly Mount[]): void {
  if (mounts.some(({ target = "" }) => target !== "")) throw invalidArgument("a mount with a target of its own");
}

/** Whether the file of the layer went between the look and the reading. */
const isMissing = (error: unknown, path: string): boolean =>
  error instanceof JobError && error.code === "ENOENT" && error.message.includes(`'${path}'`);

/** What a thread could not do, as callers know it. A malformed layer has no class, as in containerd. */
function toKind(error: unknown): unknown {
  if (!(error instanceof JobError)) return error;
  if (error.code === "ENOSPC" || error.code === "EDQUOT") {
    return new ContainerdError("resource_exhausted", `${error.message}: resource exhausted`, { cause: error });
  }
  return unknownError(error.message, error);
}
