// The open streams, by namespace and name: what other calls take up to read bytes, to ask for credentials, to tell progress.
// @source containerd plugins/streaming/manager.go, core/streaming/streaming.go
import { setTimeout as sleep } from "node:timers/promises";
import { AsyncQueue } from "../api/core/async-queue.js";
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import { alreadyExists, errorOf, invalidArgument, notFound } from "../api/core/errors.js";
import { quote } from "../api/core/quote.js";
import type { Any } from "../api/core/typeurl.js";

/** The server's end of a stream. */
export interface ServerStream {
  /** What the client sends; ends when it closes its direction. For one reader. */
  readonly incoming: AsyncIterable<Any>;
  /** Resolves when it is on its way, or the client has gone. */
  send(message: Any): Promise<void>;
  /** Ends the call; with a failure the client hears of it. */
  close(failure?: unknown): void;
}

const MAX_ID_BYTES = 1024;
/** Between the end of a client's messages and their being taken for complete. */
const GRACE_MS = 50;

export class Streams {
  readonly #open = new Map<string, ServerStream>();

  /** The client's call: registers the stream and hands out what it is to be sent, until either side closes. */
  async *serve(ctx: RequestContext, id: string, ack: Any, incoming: AsyncIterable<Any>): AsyncGenerator<Any> {
    const key = `${requireNamespace(ctx)}\0${id}`;
    if (id === "" || Buffer.byteLength(id) > MAX_ID_BYTES) throw invalidArgument(`stream id ${quote(id)} is malformed`);
    if (this.#open.has(key)) throw alreadyExists(`stream ${quote(id)}`);
    const outgoing = new AsyncQueue<Any>();
    const received = new AsyncQueue<Any>();
    let failure: unknown;
    const close = (why?: unknown): void => {
      failure ??= why;
      outgoing.end(why);
    };
    const onAbort = (): void => {
      failure ??= errorOf("aborted", `stream ${quote(id)} was cut off`);
      outgoing.end();
    };
    ctx.signal?.addEventListener("abort", onAbort, { once: true });
    void pump(incoming, received, ctx.signal);
    this.#open.set(key, {
      incoming: received,
      send: (message) => outgoing.put(message),
      close,
    });
    try {
      yield ack;
      yield* outgoing;
    } finally {
      this.#open.delete(key);
      ctx.signal?.removeEventListener("abort", onAbort);
      outgoing.end();
      // Whoever still reads must not take a client that was cut off for one that has said all.
      received.end(failure);
    }
  }

  /** @throws not_found. */
  get(ctx: RequestContext, id: string): ServerStream {
    const stream = this.#open.get(`${requireNamespace(ctx)}\0${id}`);
    if (stream === undefined) throw notFound(`stream ${quote(id)}`);
    return stream;
  }
}

/** Each message is taken before the next is read: a client is held back by whoever reads its stream. */
async function pump(source: AsyncIterable<Any>, target: AsyncQueue<Any>, signal?: AbortSignal): Promise<void> {
  try {
    for await (const message of source) {
      if (target.isEnded) return;
      await target.put(message);
    }
    // A Node client that cancels ends its stream first, as one that has said all does, and resets it behind that.
    await sleep(GRACE_MS, undefined, { ...(signal && { signal }) }).catch(() => {});
    signal?.throwIfAborted();
    target.end();
  } catch (error) {
    target.end(error);
  }
}
