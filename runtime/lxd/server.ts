// A connection to LXD on its unix socket, which is not dialled before the first call: each call has a deadline and fails with one of
// our kinds. What is asked of LXD is the callers' business.

import { setMaxListeners } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import type { Agent, Dispatcher } from "undici";
import type * as z from "zod";
import { ContainerdError, type ErrorKind, errorKind, errorOf } from "../../api/core/errors.js";
import { LxdRefusal, lxdError } from "./errors.js";
import { type Operation, type Reply, replySchema } from "./replies.js";

const DEFAULT_TIMEOUT_MS = 30_000;
/** Host of the URLs; the socket has none. */
const ORIGIN = "http://lxd";

export interface LxdServerOptions {
  readonly socketPath: string;
  /** Of each call that says nothing else. Default: 30 s. */
  readonly timeoutMs?: number;
}

export interface LxdRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With its query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is. */
  readonly bytes?: Uint8Array | AsyncIterable<Uint8Array>;
}

export interface CallOptions {
  /** Ends the waiting, not necessarily the deed. */
  readonly signal?: AbortSignal | undefined;
  /** Until the answer begins. Infinity: no deadline. */
  readonly timeoutMs?: number;
  /** What a 400 of this call means. Default: invalid_argument. */
  readonly refusal?: ErrorKind;
}

export interface LxdAnswer {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** To be read to its end or destroyed, or the connection stays taken. */
  readonly body: Dispatcher.ResponseData["body"];
}

/** An LXD that may be there or not. Disposing it ends the calls under way; nothing in LXD changes. */
export class LxdServer implements AsyncDisposable {
  readonly socketPath: string;
  readonly #timeoutMs: number;
  readonly #disposed = new AbortController();
  #agent: Promise<Agent> | undefined;

  constructor({ socketPath, timeoutMs = DEFAULT_TIMEOUT_MS }: LxdServerOptions) {
    this.socketPath = socketPath;
    this.#timeoutMs = timeoutMs;
    // Each call under way listens to it.
    setMaxListeners(0, this.#disposed.signal);
  }

  /**
   * What LXD answers at once, checked.
   * @throws not_found, invalid_argument, already_exists, … by LXD's status; unavailable when nobody answers; cancelled;
   * deadline_exceeded.
   */
  async ask<T>(what: string, request: LxdRequest, schema: z.ZodType<T>, options?: CallOptions): Promise<T> {
    return await this.#call(what, options, async (signal) => {
      const reply = await this.#reply(request, signal);
      if (reply.type !== "sync") throw new Error("an operation came where an answer was expected");
      return schema.parse(reply.metadata);
    });
  }

  /** The same for what answers nothing of interest. */
  async tell(what: string, request: LxdRequest, options?: CallOptions): Promise<void> {
    await this.#call(what, options, (signal) => this.#reply(request, signal));
  }

  /** Starts something that goes on in LXD. Follow it with `beginOperation`. @throws as `ask`. */
  async begin(what: string, request: LxdRequest, options?: CallOptions): Promise<Operation> {
    return await this.#call(what, options, async (signal) => {
      const reply = await this.#reply(request, signal);
      if (reply.type !== "async") throw new Error("an answer came where an operation was expected");
      return reply.metadata;
    });
  }

  /** An answer that is no JSON, or too long to keep. The deadline counts until it begins, the signal until it ends. @throws as `ask`. */
  async open(what: string, request: LxdRequest, options?: CallOptions): Promise<LxdAnswer> {
    const answer = await this.#call(what, options, (signal) => this.#send(request, signal));
    const { body } = answer;
    const signal = options?.signal;
    const end = (): void => void body.destroy(errorOf("cancelled", `lxd: ${what}`, signal?.reason));
    if (signal?.aborted === true) end();
    signal?.addEventListener("abort", end, { once: true });
    body.once("close", () => signal?.removeEventListener("abort", end));
    return answer;
  }

  /** The socket of a connection that speaks another protocol from here on. `headers` are the answer's. @throws as `ask`. */
  async upgrade(
    what: string,
    request: Pick<LxdRequest, "path" | "headers">,
    options?: CallOptions,
  ): Promise<{ readonly socket: Duplex; readonly headers: IncomingMessage["headers"] }> {
    return await this.#call(what, options, async (signal) => {
      // undici says nothing of why an upgrade is refused.
      const sent = httpRequest({ socketPath: this.socketPath, signal, ...request, agent: false });
      const { promise, resolve, reject } = settled<{ socket: Duplex; headers: IncomingMessage["headers"] }>();
      sent.once("upgrade", ({ headers }, socket, head) => {
        if (head.length > 0) socket.unshift(head);
        resolve({ socket, headers });
      });
      sent.once("response", (response) => {
        textOf(response).then((text) => reject(refusalOf(response.statusCode ?? 0, text)), reject);
      });
      sent.once("error", reject);
      sent.end();
      return await promise;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    await (await this.#agent)?.destroy();
  }

  async #reply(request: LxdRequest, signal: AbortSignal): Promise<Reply> {
    const { body } = await this.#send(request, signal);
    return replySchema.parse(JSON.parse(await body.text()));
  }

  /** @throws LxdRefusal */
  async #send({ method, path, headers, json, bytes }: LxdRequest, signal: AbortSignal): Promise<LxdAnswer> {
    const agent = await this.#connect();
    const raw =
      bytes === undefined || bytes instanceof Uint8Array ? bytes : Readable.from(bytes, { objectMode: false });
    const answer = await agent.request({
      origin: ORIGIN,
      method,
      path,
      headers: { ...(json !== undefined && { "content-type": "application/json" }), ...headers },
      body: json === undefined ? (raw ?? null) : JSON.stringify(json),
      signal,
    });
    if (answer.statusCode >= 400) throw refusalOf(answer.statusCode, await answer.body.text());
    return { headers: answer.headers, body: answer.body };
  }

  #connect(): Promise<Agent> {
    this.#agent ??= import("undici").then(
      // Our own deadlines hold; an export may be long in coming.
      ({ Agent }) => new Agent({ connect: { socketPath: this.socketPath }, headersTimeout: 0, bodyTimeout: 0 }),
    );
    return this.#agent;
  }

  async #call<T>(
    what: string,
    { signal, timeoutMs = this.#timeoutMs, refusal }: CallOptions = {},
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const over = new AbortController();
    const giveUp = (kind: ErrorKind): void => over.abort(errorOf(kind, `lxd: ${what}`));
    const timer = Number.isFinite(timeoutMs) ? setTimeout(giveUp, timeoutMs, "deadline_exceeded") : undefined;
    const onAbort = (): void =>
      giveUp(errorKind(signal?.reason) === "deadline_exceeded" ? "deadline_exceeded" : "cancelled");
    const onDisposed = (): void => giveUp("cancelled");
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#disposed.signal.addEventListener("abort", onDisposed, { once: true });
    try {
      if (signal?.aborted === true) onAbort();
      if (this.#disposed.signal.aborted) onDisposed();
      over.signal.throwIfAborted();
      return await work(over.signal);
    } catch (error) {
      const reason: unknown = over.signal.reason;
      throw over.signal.aborted && reason instanceof ContainerdError ? reason : lxdError(error, what, refusal);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#disposed.signal.removeEventListener("abort", onDisposed);
    }
  }
}

/** LXD's own words where it has some. */
function refusalOf(status: number, body: string): LxdRefusal {
  try {
    const reply = replySchema.parse(JSON.parse(body));
    if (reply.type === "error") return new LxdRefusal(reply.error_code, reply.error);
  } catch {
    // Not LXD's envelope, so what stands there is all there is.
  }
  return new LxdRefusal(status, body.trim() === "" ? `status ${status}` : body.trim());
}

interface Settled<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
}

function settled<T>(): Settled<T> {
  let resolve: (value: T) => void = () => {};
  let reject: (reason: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
