// Transfers that the daemon makes by itself: images between registries, its store and archives, with news of the progress.
// @source containerd core/transfer/proxy/transfer.go, client/transfer.go
import { readBytes, writeBytes } from "../core/byte-stream.js";
import type { RequestContext } from "../core/context.js";
import { fromDescriptorMessage } from "../core/image-message.js";
import { type Any, anyOfMessage, isTypeOf } from "../core/typeurl.js";
import { TransferService } from "../gen/services/transfer/v1/transfer.js";
import { Platform as PlatformMessage } from "../gen/types/platform.js";
import { ImageStore } from "../gen/types/transfer/imagestore.js";
import { ImageExportStream, ImageImportStream } from "../gen/types/transfer/importexport.js";
import { Progress } from "../gen/types/transfer/progress.js";
import { AuthRequest, AuthResponse, AuthType, HTTPDebug, OCIRegistry } from "../gen/types/transfer/registry.js";
import type { Channel } from "./channel.js";
import { hostPlatform } from "./distribution/platform.js";
import type { CredentialSource, Credentials } from "./distribution/registry/authorizer.js";
import { RemoteStream } from "./remote-streams.js";
import type {
  RegistryAccess,
  TransferExportOptions,
  TransferImportOptions,
  TransferNews,
  TransferOptions,
  TransferPullOptions,
  TransferPushOptions,
  UnpackTarget,
} from "./transfer-options.js";

const TYPES = "containerd.types.transfer.";
/** A daemon that does not end the stream of news by itself gets so long to say what is left. */
const LAST_NEWS_MS = 1_000;
const HTTP_DEBUG = { heads: HTTPDebug.DEBUG, connections: HTTPDebug.TRACE, both: HTTPDebug.BOTH } as const;

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  fromPartial(partial: object): T;
}

const end = <T>(name: string, codec: Codec<T>, fields: object): Any =>
  anyOfMessage(TYPES + name, codec, codec.fromPartial(fields));

const mapOf = (record: Readonly<Record<string, string>> = {}): Map<string, string> => new Map(Object.entries(record));

const unpacksOf = (targets: readonly UnpackTarget[] = []) =>
  targets.map(({ snapshotter, platform }) => ({
    snapshotter,
    platform: platform && PlatformMessage.fromPartial(platform),
  }));

/**
 * Images moved by the daemon itself: only archives pass through the client. An abort of the context's signal ends a transfer.
 * Every verb throws not_implemented where the daemon serves no transfers.
 */
export class RemoteTransfer {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** @throws as a pull does, and not_implemented by a daemon without transfers. */
  async pull(ctx: RequestContext, reference: string, options: TransferPullOptions = {}): Promise<void> {
    const { name = reference, labels, platforms = [hostPlatform()], allMetadata = false, unpack } = options;
    const target = { name, labels: mapOf(labels), platforms, allMetadata, unpacks: unpacksOf(unpack) };
    await this.#withRegistry(ctx, reference, options, (registry) =>
      this.#transfer(ctx, registry, end("ImageStore", ImageStore, target), options),
    );
  }

  /** Pushes an image of the daemon's store. @throws as a push does. */
  async push(ctx: RequestContext, name: string, reference: string, options: TransferPushOptions = {}): Promise<void> {
    const source = end("ImageStore", ImageStore, { name, platforms: options.platforms ?? [] });
    await this.#withRegistry(ctx, reference, options, (registry) => this.#transfer(ctx, source, registry, options));
  }

  /** Imports an archive, read no faster than the daemon takes it. */
  async import(
    ctx: RequestContext,
    archive: AsyncIterable<Uint8Array>,
    options: TransferImportOptions = {},
  ): Promise<void> {
    const { indexName: name = "", prefix, labels, platforms = [], unpack } = options;
    const extraReferences = prefix === undefined ? [] : [{ name: prefix, isPrefix: true }];
    const target = { name, labels: mapOf(labels), platforms, extraReferences, unpacks: unpacksOf(unpack) };
    using stream = await RemoteStream.open(this.#channel, ctx, "import");
    const source = end("ImageImportStream", ImageImportStream, { stream: stream.id });
    let sourceFailure: { readonly error: unknown } | undefined;
    const watched = async function* () {
      try {
        yield* archive;
      } catch (error) {
        sourceFailure = { error };
        throw error;
      }
    };
    // A daemon that has enough of it says why in the answer; a source that fails ends what the daemon waits for.
    writeBytes(stream, watched()).then(
      () => stream.end(),
      () => stream[Symbol.dispose](),
    );
    try {
      await this.#transfer(ctx, source, end("ImageStore", ImageStore, target), options);
    } catch (error) {
      throw sourceFailure === undefined ? error : sourceFailure.error;
    }
  }

  /** The archive of images, made no faster than it is read. @throws from the iteration; what was read before is no whole archive. */
  async *export(
    ctx: RequestContext,
    names: readonly string[],
    options: TransferExportOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const { platforms = [], allPlatforms = false } = options;
    const [name = "", ...more] = names;
    const source = { name, extraReferences: more.map((other) => ({ name: other })) };
    using stream = await RemoteStream.open(this.#channel, ctx, "export");
    const target = { stream: stream.id, platforms, allPlatforms };
    const ending = new AbortController();
    const signal = ctx.signal === undefined ? ending.signal : AbortSignal.any([ctx.signal, ending.signal]);
    const working = { ...ctx, signal };
    const transfer = this.#transfer(
      working,
      end("ImageStore", ImageStore, source),
      end("ImageExportStream", ImageExportStream, target),
      options,
    );
    let refusal: { readonly error: unknown } | undefined;
    transfer.catch((error: unknown) => {
      refusal = { error };
      stream[Symbol.dispose]();
    });
    try {
      yield* readBytes(stream);
      await transfer;
    } catch (error) {
      throw refusal === undefined ? error : refusal.error;
    } finally {
      // Whoever stops reading wants no more of it.
      ending.abort();
    }
  }

  /** Gives an image another name; one that is taken is moved. */
  async tag(ctx: RequestContext, name: string, newName: string): Promise<void> {
    const [source, target] = [
      end("ImageStore", ImageStore, { name }),
      end("ImageStore", ImageStore, { name: newName }),
    ];
    await this.#transfer(ctx, source, target, {});
  }

  async #transfer(ctx: RequestContext, source: Any, destination: Any, { onProgress }: TransferOptions): Promise<void> {
    if (onProgress === undefined) {
      await this.#channel.unary(
        TransferService.transfer,
        { source, destination, options: { progressStream: "" } },
        ctx,
      );
      return;
    }
    using stream = await RemoteStream.open(this.#channel, ctx, "progress");
    const hearing = hear(stream, onProgress);
    hearing.catch(() => {});
    const options = { progressStream: stream.id };
    await this.#channel.unary(TransferService.transfer, { source, destination, options }, ctx);
    await untilHeard(stream, hearing);
  }

  async #withRegistry(
    ctx: RequestContext,
    reference: string,
    { http, ...access }: RegistryAccess,
    work: (registry: Any) => Promise<void>,
  ): Promise<void> {
    if (http === undefined) return await this.#withCredentials(ctx, reference, access, {}, work);
    using stream = await RemoteStream.open(this.#channel, ctx, "http-debug-logs");
    const hearing = hearText(stream, http.onText);
    hearing.catch(() => {});
    const told = { logsStream: stream.id, httpDebug: HTTP_DEBUG[http.of] };
    await this.#withCredentials(ctx, reference, access, told, work);
    await untilHeard(stream, hearing);
  }

  async #withCredentials(
    ctx: RequestContext,
    reference: string,
    { credentials, hostsDir = "", plainHttp, headers }: Omit<RegistryAccess, "http">,
    told: object,
    work: (registry: Any) => Promise<void>,
  ): Promise<void> {
    const defaultScheme = plainHttp === true ? "http" : "";
    const resolver = { hostDir: hostsDir, headers: mapOf(headers), defaultScheme, ...told };
    if (credentials === undefined) {
      await work(end("OCIRegistry", OCIRegistry, { reference, resolver }));
      return;
    }
    using stream = await RemoteStream.open(this.#channel, ctx, "auth");
    void answer(stream, credentials).catch(() => stream[Symbol.dispose]());
    await work(end("OCIRegistry", OCIRegistry, { reference, resolver: { ...resolver, authStream: stream.id } }));
  }
}

/** Waits for what is left, but not for long. */
async function untilHeard(stream: RemoteStream, hearing: Promise<void>): Promise<void> {
  const timer = setTimeout(() => stream[Symbol.dispose](), LAST_NEWS_MS);
  await hearing.catch(() => {}).finally(() => clearTimeout(timer));
}

async function hearText(stream: RemoteStream, onText: (text: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of readBytes(stream)) onText(decoder.decode(chunk, { stream: true }));
}

async function hear(stream: RemoteStream, onProgress: (news: TransferNews) => void): Promise<void> {
  for await (const message of stream.incoming) {
    if (!isTypeOf(message, `${TYPES}Progress`)) continue;
    const { event, name, parents, progress, total, desc } = Progress.decode(message.value);
    const descriptor = desc && fromDescriptorMessage(desc);
    onProgress({ event, name, parents, doneBytes: Number(progress), totalBytes: Number(total), descriptor });
  }
}

async function answer(stream: RemoteStream, credentials: CredentialSource): Promise<void> {
  for await (const message of stream.incoming) {
    if (!isTypeOf(message, `${TYPES}AuthRequest`)) continue;
    const { host } = AuthRequest.decode(message.value);
    await stream.send(end("AuthResponse", AuthResponse, toResponse(await credentials(host))));
  }
}

function toResponse(credentials: Credentials | undefined): object {
  if (credentials === undefined) return { authType: AuthType.NONE };
  if ("header" in credentials) return { authType: AuthType.HEADER, secret: credentials.header };
  return { authType: credentials.username === "" ? AuthType.REFRESH : AuthType.CREDENTIALS, ...credentials };
}
