// The content store of a daemon: the interface of api/core, every call an RPC.
// @source containerd core/content/proxy/content_store.go
import type {
  ContentInfo,
  ContentStore,
  ContentWriter,
  IngestStatus,
  ReadOptions,
  WriterOptions,
} from "../core/content.js";
import type { RequestContext } from "../core/context.js";
import { ContainerdError } from "../core/errors.js";
import type { Labels } from "../core/labels.js";
import { fromTimestamp } from "../core/time.js";
import { ContentService, Info, type Status } from "../gen/services/content/v1/content.js";
import type { Channel } from "./channel.js";
import { RemoteContentWriter } from "./remote-content-writer.js";

export class RemoteContentStore implements ContentStore {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async info(ctx: RequestContext, digest: string): Promise<ContentInfo> {
    const { info } = await this.#channel.unary(ContentService.info, { digest }, ctx);
    return fromInfo(info);
  }

  async *read(ctx: RequestContext, digest: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const { offsetBytes = 0, sizeBytes = 0, signal = ctx.signal } = options;
    const request = { digest, offset: BigInt(offsetBytes), size: BigInt(sizeBytes) };
    for await (const { data } of this.#channel.stream(ContentService.read, request, { ...ctx, signal })) yield data;
  }

  async *list(ctx: RequestContext, filters: readonly string[] = []): AsyncGenerator<readonly ContentInfo[]> {
    for await (const { info } of this.#channel.stream(ContentService.list, { filters: [...filters] }, ctx)) {
      yield info.map(fromInfo);
    }
  }

  async update(
    ctx: RequestContext,
    { digest, labels }: { readonly digest: string; readonly labels: Labels },
    paths: readonly string[] = [],
  ): Promise<ContentInfo> {
    const request = {
      info: Info.fromPartial({ digest, labels: new Map(Object.entries(labels)) }),
      ...(paths.length > 0 && { updateMask: [...paths] }),
    };
    const { info } = await this.#channel.unary(ContentService.update, request, ctx);
    return fromInfo(info);
  }

  async delete(ctx: RequestContext, digest: string): Promise<void> {
    await this.#channel.unary(ContentService.delete, { digest }, ctx);
  }

  async status(ctx: RequestContext, ref: string): Promise<IngestStatus> {
    const { status } = await this.#channel.unary(ContentService.status, { ref }, ctx);
    if (status === undefined) throw new ContainerdError("internal", "the reply holds no status: internal");
    return fromStatus(status);
  }

  async listStatuses(ctx: RequestContext, filters: readonly string[] = []): Promise<IngestStatus[]> {
    const { statuses } = await this.#channel.unary(ContentService.listStatuses, { filters: [...filters] }, ctx);
    return statuses.map(fromStatus);
  }

  async abort(ctx: RequestContext, ref: string): Promise<void> {
    await this.#channel.unary(ContentService.abort, { ref }, ctx);
  }

  async openWriter(ctx: RequestContext, options: WriterOptions): Promise<ContentWriter> {
    return await RemoteContentWriter.open(this.#channel.duplex(ContentService.write, ctx), options);
  }
}

function fromInfo(message: Info | undefined): ContentInfo {
  if (message === undefined) throw new ContainerdError("internal", "the reply holds no info: internal");
  return {
    digest: message.digest,
    sizeBytes: Number(message.size),
    createdAtNs: fromTimestamp(message.createdAt) ?? 0n,
    updatedAtNs: fromTimestamp(message.updatedAt) ?? 0n,
    labels: Object.fromEntries(message.labels),
  };
}

function fromStatus(message: Status): IngestStatus {
  return {
    ref: message.ref,
    offsetBytes: Number(message.offset),
    totalBytes: Number(message.total),
    startedAtNs: fromTimestamp(message.startedAt) ?? 0n,
    updatedAtNs: fromTimestamp(message.updatedAt) ?? 0n,
  };
}
