// A writer of a daemon's content: one stream of Content.Write, each request answered before the next.
// @source containerd core/content/proxy/content_writer.go
import type { CommitOptions, ContentWriter, IngestStatus, WriterOptions } from "../core/content.js";
import { failedPrecondition } from "../core/errors.js";
import { fromTimestamp } from "../core/time.js";
import { WriteAction, WriteContentRequest, type WriteContentResponse } from "../gen/services/content/v1/content.js";
import type { DuplexCall } from "./duplex-call.js";

const CHUNK_BYTES = 1 << 20;

export type WriteCall = DuplexCall<WriteContentRequest, WriteContentResponse>;

export class RemoteContentWriter implements ContentWriter {
  readonly #call: WriteCall;
  #status: IngestStatus;
  #digest: string;
  #isClosed = false;

  private constructor(call: WriteCall, ref: string, reply: WriteContentResponse) {
    this.#call = call;
    this.#digest = reply.digest;
    this.#status = {
      ref,
      offsetBytes: Number(reply.offset),
      totalBytes: Number(reply.total),
      startedAtNs: fromTimestamp(reply.startedAt) ?? 0n,
      updatedAtNs: fromTimestamp(reply.updatedAt) ?? 0n,
    };
  }

  /** Takes the call over, also when it fails. */
  static async open(call: WriteCall, options: WriterOptions): Promise<RemoteContentWriter> {
    const { ref, totalBytes = 0, expected = "" } = options;
    try {
      const first = { action: WriteAction.STAT, ref, total: BigInt(totalBytes), expected };
      return new RemoteContentWriter(call, ref, await call.ask(WriteContentRequest.fromPartial(first)));
    } catch (error) {
      await call[Symbol.asyncDispose]();
      throw error;
    }
  }

  get ref(): string {
    return this.#status.ref;
  }

  get lost(): AbortSignal {
    return this.#call.lost;
  }

  get offsetBytes(): number {
    return this.#status.offsetBytes;
  }

  digest(): string {
    return this.#digest;
  }

  /** As of the last reply. */
  status(): IngestStatus {
    return this.#status;
  }

  async write(data: Uint8Array): Promise<void> {
    for (let at = 0; at < data.length; at += CHUNK_BYTES) {
      const size = Math.min(CHUNK_BYTES, data.length - at);
      await this.#ask({ action: WriteAction.WRITE, data: Buffer.from(data.buffer, data.byteOffset + at, size) });
    }
  }

  async reset(): Promise<void> {
    // Offset 0 begins again, whether or not data come along.
    await this.#ask({ action: WriteAction.WRITE, offset: 0n });
  }

  async commit(options: CommitOptions = {}): Promise<string> {
    const { sizeBytes = 0, expected = "", labels = {} } = options;
    const reply = await this.#ask({
      action: WriteAction.COMMIT,
      total: BigInt(sizeBytes),
      expected,
      labels: new Map(Object.entries(labels)),
    });
    await this[Symbol.asyncDispose]();
    return reply.digest;
  }

  async #ask(request: Partial<WriteContentRequest>): Promise<WriteContentResponse> {
    if (this.#isClosed) throw failedPrecondition(`the writer of ${this.ref} is closed`);
    const offset = BigInt(this.offsetBytes);
    const reply = await this.#call.ask(WriteContentRequest.fromPartial({ offset, ...request }));
    this.#digest = reply.digest;
    this.#status = { ...this.#status, offsetBytes: Number(reply.offset) };
    return reply;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#call[Symbol.asyncDispose]();
  }
}
