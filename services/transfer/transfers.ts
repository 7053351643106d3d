// The transfers themselves: pull, push, import, export, tag, each over the stores of this daemon.
// @source containerd core/transfer/local/{pull,push,import,export,tag}.go

import { PassThrough, Readable } from "node:stream";
import { defaultSnapshotter } from "../../api/client/default-snapshotter.js";
import { exportImages } from "../../api/client/distribution/archive/export.js";
import { importImages } from "../../api/client/distribution/archive/import.js";
import {
  ALL_PLATFORMS,
  hostPlatform,
  normalizePlatform,
  onlyPlatforms,
  type Platform,
  type PlatformMatcher,
} from "../../api/client/distribution/platform.js";
import { pull, putImage } from "../../api/client/distribution/pull.js";
import { push } from "../../api/client/distribution/push.js";
import type { CredentialSource } from "../../api/client/distribution/registry/authorizer.js";
import { createRegistry, type RegistryClient } from "../../api/client/distribution/registry/registry.js";
import type { ImageStores } from "../../api/client/distribution/stores.js";
import type { UnpackDestination } from "../../api/client/distribution/unpack-targets.js";
import { readBytes, writeBytes } from "../../api/core/byte-stream.js";
import type { RequestContext } from "../../api/core/context.js";
import { alreadyExists, invalidArgument, isNotFound } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import { quote } from "../../api/core/quote.js";
import type { Platform as PlatformMessage } from "../../api/gen/types/platform.js";
import type { ImageStore } from "../../api/gen/types/transfer/imagestore.js";
import type { ImageExportStream, ImageImportStream } from "../../api/gen/types/transfer/importexport.js";
import { HTTPDebug, type OCIRegistry } from "../../api/gen/types/transfer/registry.js";
import { toRecord } from "../maps.js";
import type { ServerStream, Streams } from "../streams.js";
import { askedCredentials } from "./auth-stream.js";
import { httpWatcher, LogStream } from "./http-debug.js";
import type { ProgressTeller } from "./progress-stream.js";

const MAX_DOWNLOADS = 3;

export interface TransferDeps {
  readonly stores: ImageStores;
  readonly streams: Streams;
  readonly log: Logger;
}

const toPlatform = ({ os, architecture, variant }: PlatformMessage): Platform => ({ os, architecture, variant });

const matcherOf = (platforms: readonly PlatformMessage[], none: PlatformMatcher): PlatformMatcher =>
  platforms.length === 0 ? none : onlyPlatforms(platforms.map(toPlatform));

/** Ends a stream with what it was used for, and as that ended: nobody may take half an archive for a whole one. */
async function endWith<T>(ctx: RequestContext, stream: ServerStream, work: () => Promise<T>): Promise<T> {
  // Whoever waits for the other end is woken by this.
  const onAbort = (): void => stream.close(ctx.signal?.reason);
  ctx.signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const result = await work();
    stream.close();
    return result;
  } catch (error) {
    stream.close(error);
    throw error;
  } finally {
    ctx.signal?.removeEventListener("abort", onAbort);
  }
}

/** What this daemon can be asked to move. */
export class Transfers {
  readonly #stores: ImageStores;
  readonly #streams: Streams;
  readonly #log: Logger;

  constructor({ stores, streams, log }: TransferDeps) {
    this.#stores = stores;
    this.#streams = streams;
    this.#log = log;
  }

  #registry(ctx: RequestContext, { reference, resolver }: OCIRegistry): RegistryClient {
    const { authStream = "", hostDir = "", defaultScheme = "", headers } = resolver ?? {};
    const { httpDebug = HTTPDebug.DISABLED, logsStream = "" } = resolver ?? {};
    // The folder of this process' user is nobody's who asks over the socket.
    const credentials: CredentialSource =
      authStream === "" ? async () => undefined : askedCredentials(this.#streams.get(ctx, authStream), reference);
    const isTold = httpDebug !== HTTPDebug.DISABLED && logsStream !== "";
    const logs = isTold ? new LogStream(this.#streams.get(ctx, logsStream)) : undefined;
    const registry = createRegistry({
      credentials,
      hostsDir: hostDir === "" ? undefined : hostDir,
      plainHttp: defaultScheme === "http",
      headers: headers === undefined ? undefined : toRecord(headers),
      watcher: httpWatcher(httpDebug, logs, this.#log),
    });
    return {
      ...registry,
      [Symbol.asyncDispose]: async () => {
        await registry[Symbol.asyncDispose]();
        logs?.[Symbol.dispose]();
      },
    };
  }

  /** Where to unpack; a wish that cannot be met is passed over, as containerd does. */
  #unpackTargets({ unpacks }: ImageStore): UnpackDestination[] {
    return unpacks.flatMap(({ snapshotter: named, platform }) => {
      const snapshotter = named === "" ? defaultSnapshotter() : named;
      const wanted = platform === undefined ? hostPlatform() : toPlatform(platform);
      // Layers of another system are no files of ours; another processor's are.
      if (normalizePlatform(wanted).os === hostPlatform().os && this.#hasSnapshotter(snapshotter)) {
        return [{ snapshotter, platform: onlyPlatforms([wanted]) }];
      }
      this.#log.warn({ snapshotter, platform }, "cannot unpack for what a transfer names");
      return [];
    });
  }

  #hasSnapshotter(name: string): boolean {
    try {
      this.#stores.snapshots.get(name);
      return true;
    } catch {
      return false;
    }
  }

  async pull(ctx: RequestContext, source: OCIRegistry, target: ImageStore, tell: ProgressTeller): Promise<void> {
    await using registry = this.#registry(ctx, source);
    tell.line(`Resolving from ${source.reference}`);
    tell.line(`Pulling from ${source.reference}`);
    const image = await pull(this.#stores, ctx, source.reference, {
      registry,
      name: target.name === "" ? undefined : target.name,
      platform: matcherOf(target.platforms, ALL_PLATFORMS),
      // Who names no platform wants them all.
      allMatching: target.platforms.length !== 1,
      allMetadata: target.allMetadata,
      labels: toRecord(target.labels),
      unpackTargets: this.#unpackTargets(target),
      maxConcurrent: MAX_DOWNLOADS,
      onProgress: tell.event,
    });
    await this.#addReferences(ctx, target, image.target);
    tell.line(`Completed pull from ${source.reference}`);
  }

  async push(ctx: RequestContext, source: ImageStore, target: OCIRegistry, tell: ProgressTeller): Promise<void> {
    const image = await this.#stores.images.get(ctx, source.name);
    await using registry = this.#registry(ctx, target);
    tell.line(`Pushing to ${target.reference}`);
    const platform = matcherOf(source.platforms, ALL_PLATFORMS);
    await push(this.#stores, ctx, target.reference, image.target, { registry, platform, onProgress: tell.event });
    tell.line(`Completed push to ${target.reference}`);
  }

  async import(
    ctx: RequestContext,
    source: ImageImportStream,
    target: ImageStore,
    tell: ProgressTeller,
  ): Promise<void> {
    const stream = this.#streams.get(ctx, source.stream);
    tell.line("Importing");
    const prefix = target.extraReferences.find(({ isPrefix }) => isPrefix);
    const images = await endWith(ctx, stream, () =>
      importImages(this.#stores, ctx, Readable.from(readBytes(stream)), {
        platform: matcherOf(target.platforms, ALL_PLATFORMS),
        compressBlobs: source.forceCompress,
        labels: toRecord(target.labels),
        unpackTargets: this.#unpackTargets(target),
        onProgress: tell.event,
        ...(target.name !== "" && { indexName: target.name }),
        ...(prefix !== undefined && { baseName: prefix.name, digests: prefix.addDigest }),
      }),
    );
    for (const { name } of images) tell.line(`saved ${name}`);
    tell.line("Completed import");
  }

  async export(
    ctx: RequestContext,
    source: ImageStore,
    target: ImageExportStream,
    tell: ProgressTeller,
  ): Promise<void> {
    const stream = this.#streams.get(ctx, target.stream);
    await endWith(ctx, stream, async () => {
      const names = [...(source.name === "" ? [] : [source.name]), ...source.extraReferences.map(({ name }) => name)];
      if (names.length === 0) throw invalidArgument("no image to export");
      const images = await Promise.all(names.map((name) => this.#stores.images.get(ctx, name)));
      tell.line("Exporting");
      const archive = new PassThrough();
      const writing = writeBytes(stream, archive);
      const exporting = exportImages(this.#stores, ctx, images, archive, {
        allPlatforms: target.allPlatforms,
        skipManifestJson: target.skipCompatibilityManifest,
        skipNonDistributable: target.skipNonDistributable,
        onProgress: tell.event,
        ...(target.platforms.length > 0 && { platform: matcherOf(target.platforms, ALL_PLATFORMS) }),
      });
      // Whichever fails first ends the other.
      for (const half of [writing, exporting]) half.catch((error: Error) => archive.destroy(error));
      await Promise.all([exporting, writing]);
    });
    tell.line("Completed export");
  }

  /** Passes bytes through: what clients try streams with. */
  async echo(ctx: RequestContext, source: ImageImportStream, target: ImageExportStream): Promise<void> {
    const [from, to] = [this.#streams.get(ctx, source.stream), this.#streams.get(ctx, target.stream)];
    await endWith(ctx, from, () => endWith(ctx, to, () => writeBytes(to, readBytes(from))));
  }

  /** Another name for an image. */
  async tag(ctx: RequestContext, source: ImageStore, target: ImageStore): Promise<void> {
    const { target: descriptor } = await this.#stores.images.get(ctx, source.name);
    if (target.name === "" && target.extraReferences.length === 0) throw invalidArgument("no name to give");
    if (target.name !== "") await putImage(this.#stores, ctx, target.name, descriptor, toRecord(target.labels));
    await this.#addReferences(ctx, target, descriptor);
  }

  /** The further names of a target. @throws already_exists for one that is taken and may not be moved. */
  async #addReferences(ctx: RequestContext, target: ImageStore, descriptor: Parameters<typeof putImage>[3]) {
    for (const { name, isPrefix, allowOverwrite, addDigest } of target.extraReferences) {
      if (addDigest) await putImage(this.#stores, ctx, `${name}@${descriptor.digest}`, descriptor);
      if (isPrefix) continue;
      const isTaken = !allowOverwrite && (await this.#hasImage(ctx, name));
      if (isTaken) throw alreadyExists(`image ${quote(name)}`);
      await putImage(this.#stores, ctx, name, descriptor, toRecord(target.labels));
    }
  }

  async #hasImage(ctx: RequestContext, name: string): Promise<boolean> {
    try {
      await this.#stores.images.get(ctx, name);
      return true;
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
  }
}
