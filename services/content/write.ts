// The conversation of Content.Write: one reply for each request, about one ingest.
// @source containerd plugins/services/content/contentserver/contentserver.go (Write)
import type { ContentStore, ContentWriter } from "../../api/core/content.js";
import type { RequestContext } from "../../api/core/context.js";
import { ContainerdError, errorKind, isAlreadyExists, isNotFound, unknownError } from "../../api/core/errors.js";
import { toTimestamp } from "../../api/core/time.js";
import {
  WriteAction,
  type WriteContentRequest,
  WriteContentResponse,
} from "../../api/gen/services/content/v1/content.js";
import { toRecord } from "../maps.js";
import { toBytes } from "./convert.js";

/** Closing keeps the ingest; what the client sends behind a commit is not read. */
export async function* answerWrites(
  content: ContentStore,
  requests: AsyncIterable<WriteContentRequest>,
  ctx: RequestContext,
): AsyncGenerator<WriteContentResponse> {
  const iterator = requests[Symbol.asyncIterator]();
  try {
    const first = await iterator.next();
    if (first.done === true) throw unknownError("EOF");
    if (first.value.ref === "") {
      throw new ContainerdError("invalid_argument", "first message must have a reference");
    }
    const { ref, total, expected } = first.value;
    await using writer = await content.openWriter(ctx, { ref, totalBytes: toBytes(total), expected });
    const talk = new WriteConversation(content, writer, ctx);
    let reply: WriteContentResponse | undefined;
    for (let step: IteratorResult<WriteContentRequest> = first; step.done !== true; step = await iterator.next()) {
      reply = await talk.answer(step.value);
      yield reply;
      if (step.value.action === WriteAction.COMMIT) break;
    }
    // containerd says its last word twice.
    if (reply !== undefined) yield reply;
  } finally {
    await iterator.return?.();
  }
}

class WriteConversation {
  readonly #content: ContentStore;
  readonly #writer: ContentWriter;
  readonly #ctx: RequestContext;
  /** What was declared last stays in force. */
  #total = 0n;
  #expected = "";
  /** Of the last STAT; every reply carries them. */
  #stat: Pick<WriteContentResponse, "startedAt" | "updatedAt" | "total"> = {
    startedAt: toTimestamp(undefined),
    updatedAt: toTimestamp(undefined),
    total: 0n,
  };
  #digest = "";

  constructor(content: ContentStore, writer: ContentWriter, ctx: RequestContext) {
    this.#content = content;
    this.#writer = writer;
    this.#ctx = ctx;
  }

  async answer(request: WriteContentRequest): Promise<WriteContentResponse> {
    if (request.total > 0n) this.#total = request.total;
    if (request.expected !== "") {
      this.#expected = request.expected;
      await this.#refuseExisting(request.expected);
    }
    const { action } = request;
    if (action === WriteAction.COMMIT) return await this.#commit(request);
    if (action === WriteAction.STAT) this.#tellStatus();
    if (action === WriteAction.WRITE) {
      await this.#append(request);
      this.#digest = this.#writer.digest();
    }
    return this.#reply(action, this.#writer.offsetBytes);
  }

  #reply(action: WriteAction, offsetBytes: number): WriteContentResponse {
    return WriteContentResponse.fromPartial({
      ...this.#stat,
      action,
      offset: BigInt(offsetBytes),
      digest: this.#digest,
    });
  }

  #tellStatus(): void {
    const { startedAtNs, updatedAtNs } = this.#writer.status();
    this.#stat = { startedAt: toTimestamp(startedAtNs), updatedAt: toTimestamp(updatedAtNs), total: this.#total };
    this.#digest = this.#writer.digest();
  }

  async #append({ offset, data }: WriteContentRequest): Promise<void> {
    const current = BigInt(this.#writer.offsetBytes);
    if (offset > 0n && offset !== current) {
      throw new ContainerdError("out_of_range", `write @${offset} must occur at current offset ${current}`);
    }
    if (offset === 0n && current > 0n) await this.#writer.reset();
    if (data.length > 0) await this.#writer.write(data);
  }

  async #commit(request: WriteContentRequest): Promise<WriteContentResponse> {
    await this.#append(request);
    const offsetBytes = this.#writer.offsetBytes;
    this.#digest = await this.#writer.commit({
      sizeBytes: toBytes(this.#total),
      expected: this.#expected,
      labels: toRecord(request.labels),
    });
    return this.#reply(request.action, offsetBytes);
  }

  /** Somebody else was faster: the ingest has become pointless. */
  async #refuseExisting(digest: string): Promise<void> {
    if (!(await this.#exists(digest))) return;
    const { ref } = this.#writer;
    await this.#writer[Symbol.asyncDispose]();
    await this.#content.abort(this.#ctx, ref).catch((error) => {
      if (!isNotFound(error)) throw error;
    });
    await this.#lease(digest, ref);
    throw new ContainerdError("already_exists", `blob with expected digest ${digest} exists`);
  }

  /** The client will rely on the blob, so its lease holds it: opening a writer for what is there does that. */
  async #lease(expected: string, ref: string): Promise<void> {
    if (this.#ctx.leaseId === undefined) return;
    try {
      await using _writer = await this.#content.openWriter(this.#ctx, { ref, expected });
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
    }
  }

  async #exists(digest: string): Promise<boolean> {
    try {
      await this.#content.info(this.#ctx, digest);
      return true;
    } catch (error) {
      // A malformed digest is noticed when it is compared.
      const kind = errorKind(error);
      if (kind === "not_found" || kind === "invalid_argument") return false;
      throw error;
    }
  }
}
