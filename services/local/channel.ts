// A channel to the services of this process: the same handlers, errors and cancellation as over the socket, and nothing is
// encoded on the way but what the store keeps encoded.
import {
  type CallDefaults,
  type Channel,
  type ClientMethod,
  callValues,
  checkDefaults,
} from "../../api/client/channel.js";
import { DuplexCall } from "../../api/client/duplex-call.js";
import { abortError } from "../../api/client/errors.js";
import { AsyncQueue } from "../../api/core/async-queue.js";
import type { RequestContext } from "../../api/core/context.js";
import { Encoded, EncodedBatch } from "../../api/core/encoded.js";
import { failedPrecondition } from "../../api/core/errors.js";
import { MAX_MESSAGE_BYTES } from "../grpc/server.js";
import { LocalCall } from "./call.js";
import { checkRequestSize } from "./limits.js";
import type { LocalServer } from "./server.js";

/** Replies of a conversation that wait for their reader before the handler does; the socket holds about as many. */
const REPLIES_AHEAD = 16;

export class LocalChannel implements Channel {
  readonly address = undefined;
  readonly namespace: string | undefined;
  readonly #server: LocalServer;
  readonly #defaults: CallDefaults;
  readonly #open = new Set<LocalCall>();
  #closed = false;

  /** @throws invalid_argument for options that only JavaScript can give. */
  constructor(server: LocalServer, defaults: CallDefaults) {
    checkDefaults(defaults);
    this.#server = server;
    this.#defaults = defaults;
    this.namespace = defaults.namespace;
  }

  async ready(): Promise<void> {
    this.#checkOpen();
  }

  async unary<Request, Response>(
    method: ClientMethod<Request, Response>,
    request: Request,
    ctx: RequestContext,
  ): Promise<Response> {
    const call = this.#enter(method.path, ctx);
    return await new Promise<Response>((resolve, reject) => {
      const run = async (): Promise<void> => {
        checkRequestSize(method, request, MAX_MESSAGE_BYTES);
        resolve(toMessage(method, await call.method.handler(request, call.ctx)));
      };
      void this.#answer(call, run, reject);
    });
  }

  stream<Request, Response>(
    method: ClientMethod<Request, Response>,
    request: Request,
    ctx: RequestContext,
  ): AsyncIterable<Response> {
    const call = this.#enter(method.path, ctx);
    return this.#replies(call, method, 0, () => {
      checkRequestSize(method, request, MAX_MESSAGE_BYTES);
      return call.method.handler(request, call.ctx);
    });
  }

  duplex<Request, Response>(
    method: ClientMethod<Request, Response>,
    ctx: RequestContext,
  ): DuplexCall<Request, Response> {
    const call = this.#enter(method.path, ctx);
    const requests = new AsyncQueue<Request>();
    const replies = this.#replies(call, method, REPLIES_AHEAD, () =>
      call.method.handler(untilAborted(requests, method, call.signal), call.ctx),
    );
    const conversation = {
      write: (request: Request) => void requests.put(request),
      end: () => requests.end(),
      cancel: () => call.cancel(),
      replies: replies[Symbol.asyncIterator](),
    };
    return new DuplexCall(conversation, ctx.signal);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    for (const call of this.#open) call.cancel();
  }

  #checkOpen(): void {
    if (this.#closed) throw failedPrecondition("the client of the daemon in this process has been closed");
  }

  #enter(path: string, ctx: RequestContext): LocalCall {
    const { signal } = ctx;
    this.#checkOpen();
    if (signal?.aborted === true) throw abortError(signal);
    const values = callValues(ctx, this.#defaults);
    const call = new LocalCall(this.#server, this.#server.method(path), values, signal);
    this.#open.add(call);
    return call;
  }

  async #answer(call: LocalCall, run: () => Promise<void>, onFailure: (error: unknown) => void): Promise<void> {
    await call.answer(run, onFailure);
    this.#open.delete(call);
  }

  /** Runs a streaming handler at once, up to its first reply; it goes on as replies are taken, `ahead` of them being on their way. */
  #replies<Response>(
    call: LocalCall,
    method: ClientMethod<never, Response>,
    ahead: number,
    handle: () => unknown,
  ): AsyncIterable<Response> {
    const ready = new AsyncQueue<readonly unknown[]>();
    const run = async (): Promise<void> => {
      const { signal } = call;
      let goOn = (): void => {};
      signal.addEventListener("abort", () => goOn(), { once: true });
      const untaken: Promise<void>[] = [];
      // The mapped type promises an iterable where the definition says that the server streams.
      for await (const reply of handle() as AsyncIterable<unknown>) {
        untaken.push(ready.put(reply instanceof EncodedBatch ? reply.messages : [reply]));
        const oldest = untaken.length > ahead ? untaken.shift() : undefined;
        if (oldest !== undefined && !signal.aborted) {
          await new Promise<void>((resolve) => {
            goOn = resolve;
            void oldest.then(resolve);
          });
        }
        signal.throwIfAborted();
      }
      ready.end();
    };
    void this.#answer(call, run, (error) => ready.end(error));
    return {
      async *[Symbol.asyncIterator]() {
        try {
          for await (const replies of ready) for (const reply of replies) yield toMessage(method, reply);
        } finally {
          call.cancel();
        }
      },
    };
  }
}

/** The requests of a conversation as a handler reads them. @throws the signal's reason when the call is given up. */
async function* untilAborted<Request>(
  requests: AsyncQueue<Request>,
  method: ClientMethod<Request, unknown>,
  signal: AbortSignal,
): AsyncGenerator<Request> {
  const onAbort = (): void => requests.end(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    for await (const request of requests) {
      signal.throwIfAborted();
      checkRequestSize(method, request, MAX_MESSAGE_BYTES);
      yield request;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** A handler's reply is what the definition of its method says, or that message encoded. */
function toMessage<Response>(method: ClientMethod<never, Response>, reply: unknown): Response {
  return reply instanceof Encoded ? method.responseDeserialize(asBuffer(reply.bytes)) : (reply as Response);
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
