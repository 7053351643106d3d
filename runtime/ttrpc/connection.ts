// One connection of the ttrpc server: reads requests, runs their handlers side by side, writes the answers.
// @source containerd/ttrpc server.go
import { once } from "node:events";
import type { Socket } from "node:net";
import type { RequestContext } from "../../api/core/context.js";
import { EncodedBatch } from "../../api/core/encoded.js";
import { ContainerdError, errorKind } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";
import type { Status } from "../../api/gen/google/rpc/status.js";
import { Request, Response } from "../../api/gen/ttrpc/request.js";
import type { Route, Router } from "./dispatch.js";
import {
  encodeFrame,
  FLAG_NO_DATA,
  FLAG_REMOTE_CLOSED,
  type Frame,
  FrameDecoder,
  MAX_DATA_BYTES,
  oversizedText,
  TYPE_DATA,
  TYPE_REQUEST,
  TYPE_RESPONSE,
} from "./frame.js";
import { toStatus } from "./status.js";

/** The metadata key that carries the namespace on ttrpc. */
export const NAMESPACE_KEY = "containerd-namespace-ttrpc";

const NANOS_PER_MS = 1_000_000n;
/** Longer delays overflow Node's timers; such a deadline is as good as none. */
const MAX_TIMER_MS = 0x7fff_ffffn;

export class ServerConnection {
  /** Resolves when the socket is closed and every handler has returned. */
  readonly done: Promise<void>;
  readonly #socket: Socket;
  readonly #router: Router;
  readonly #log: Logger;
  readonly #calls = new Map<Promise<void>, AbortController>();
  #isEnding = false;
  #lastStreamId = 0;

  constructor(socket: Socket, router: Router, log: Logger) {
    this.#socket = socket;
    this.#router = router;
    this.#log = log;
    const decoder = new FrameDecoder();
    socket.on("data", (chunk: Buffer) => {
      for (const frame of decoder.push(chunk)) if (!this.#isEnding) this.#receive(frame);
      // A peer that does not read its answers gets no more requests in.
      if (socket.writableNeedDrain) socket.pause();
    });
    socket.on("drain", () => socket.resume());
    socket.on("error", (err) => this.#log.debug({ err }, "ttrpc connection broke"));
    // Not events.once: that would reject for a connection that broke.
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    this.done = closed.then(() => this.#end());
  }

  /** Aborts what runs, lets the answers out and closes. */
  async drain(): Promise<void> {
    await this.#end();
    this.#socket.destroySoon();
    await this.done;
  }

  async #end(): Promise<void> {
    this.#isEnding = true;
    for (const controller of this.#calls.values()) controller.abort();
    await Promise.all(this.#calls.keys());
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #receive(frame: Frame): void {
    const { streamId, type } = frame;
    // Types that a later version may bring are to be ignored.
    if (type !== TYPE_REQUEST && type !== TYPE_DATA) return;
    if (streamId % 2 !== 1) {
      this.#refuse(streamId, "StreamID must be odd for client initiated streams");
      return;
    }
    // No method here takes a stream, so data never has a stream to belong to. The close that follows a server stream's
    // request is no data and needs no answer.
    if (type === TYPE_DATA) {
      if ((frame.flags & FLAG_NO_DATA) === 0) this.#refuse(streamId, "StreamID is no longer active");
      return;
    }
    if (streamId <= this.#lastStreamId) {
      this.#refuse(streamId, "StreamID cannot be re-used and must increment");
      return;
    }
    this.#lastStreamId = streamId;
    // One controller for each call: a signal that outlives them all would keep something of every one.
    const controller = new AbortController();
    const call = this.#serve(streamId, frame, controller).finally(() => this.#calls.delete(call));
    this.#calls.set(call, controller);
  }

  #refuse(streamId: number, message: string): void {
    this.#respond(streamId, { status: toStatus(new ContainerdError("invalid_argument", message)) });
  }

  /** Never rejects: whatever happens becomes an answer on the stream. */
  async #serve(streamId: number, frame: Frame, controller: AbortController): Promise<void> {
    let path = "";
    let timer: NodeJS.Timeout | undefined;
    try {
      const request = decodeRequest(frame);
      path = `/${request.service}/${request.method}`;
      const route = this.#router.find(request);
      timer = startTimer(request.timeoutNano, controller);
      const ctx: RequestContext = {
        namespace: request.metadata.find(({ key }) => key === NAMESPACE_KEY)?.value,
        signal: controller.signal,
      };
      const reply = await route.invoke(request.payload, ctx);
      if (route.responseStream) await this.#stream(streamId, route, reply, controller.signal);
      else this.#respond(streamId, { payload: route.serialize(reply) });
    } catch (error) {
      // A kind means that somebody chose this failure; anything else is a bug and is shown with its stack.
      if (errorKind(error) === "unknown" && !(error instanceof ContainerdError)) {
        this.#log.error({ rpc: path, err: error }, "ttrpc handler failed");
      } else {
        this.#log.debug({ rpc: path, err: error }, "ttrpc call refused");
      }
      this.#respond(streamId, { status: toStatus(error) });
    } finally {
      clearTimeout(timer);
    }
  }

  /** One data frame for each message, then one that ends the stream. A slow reader slows the generator. */
  async #stream(streamId: number, route: Route, reply: unknown, signal: AbortSignal): Promise<void> {
    for await (const ready of reply as AsyncIterable<unknown>) {
      for (const message of ready instanceof EncodedBatch ? ready.messages : [ready]) {
        const data = route.serialize(message);
        if (data.length > MAX_DATA_BYTES) throw new ContainerdError("resource_exhausted", oversizedText(data.length));
        if (!this.#write(encodeFrame(streamId, TYPE_DATA, 0, data))) await this.#drained(signal);
        signal.throwIfAborted();
      }
    }
    this.#write(encodeFrame(streamId, TYPE_DATA, FLAG_REMOTE_CLOSED | FLAG_NO_DATA, Buffer.alloc(0)));
  }

  async #drained(signal: AbortSignal): Promise<void> {
    if (!this.#socket.destroyed) await once(this.#socket, "drain", { signal });
  }

  #respond(streamId: number, response: Answer): void {
    let data = encodeAnswer(response);
    if (data.length > MAX_DATA_BYTES) {
      const error = new ContainerdError("resource_exhausted", oversizedText(data.length));
      data = encodeAnswer({ status: toStatus(error) });
    }
    this.#write(encodeFrame(streamId, TYPE_RESPONSE, 0, data));
  }

  #write(frame: Buffer): boolean {
    return !this.#socket.writable || this.#socket.write(frame);
  }
}

type Answer = { readonly status: Status } | { readonly payload: Uint8Array };

/** An OK answer without content is no bytes at all. */
function encodeAnswer(answer: Answer): Uint8Array {
  const status = "status" in answer ? answer.status : undefined;
  const payload = "payload" in answer ? Buffer.from(answer.payload) : Buffer.alloc(0);
  return Response.encode({ status, payload }).finish();
}

/** @throws resource_exhausted, invalid_argument. */
function decodeRequest(frame: Frame): Request {
  if (frame.oversizedBytes !== undefined) {
    throw new ContainerdError("resource_exhausted", oversizedText(frame.oversizedBytes));
  }
  try {
    return Request.decode(frame.data);
  } catch (error) {
    throw new ContainerdError("invalid_argument", `unmarshal request error: ${String(error)}`, { cause: error });
  }
}

function startTimer(timeoutNano: bigint, controller: AbortController): NodeJS.Timeout | undefined {
  if (timeoutNano === 0n) return undefined;
  const timeoutMs = (timeoutNano + NANOS_PER_MS - 1n) / NANOS_PER_MS;
  if (timeoutMs > MAX_TIMER_MS) return undefined;
  const expire = () => controller.abort(new ContainerdError("deadline_exceeded", "context deadline exceeded"));
  return setTimeout(expire, Math.max(0, Number(timeoutMs))).unref();
}
