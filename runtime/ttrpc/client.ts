// The calling side of ttrpc: one connection, any number of unary calls on it at once.
// @source containerd/ttrpc client.go
import { connect, type Socket } from "node:net";
import {
  ContainerdError,
  ERROR_CLASSES,
  errorKind,
  errorOf,
  invalidArgument,
  unavailable,
  unknownError,
} from "../../api/core/errors.js";
import { type Logger, silentLogger } from "../../api/core/log.js";
import { quote } from "../../api/core/quote.js";
import { Request, Response } from "../../api/gen/ttrpc/request.js";
import {
  encodeFrame,
  type Frame,
  FrameDecoder,
  MAX_DATA_BYTES,
  oversizedText,
  TYPE_REQUEST,
  TYPE_RESPONSE,
} from "./frame.js";
import { fromStatus } from "./status.js";

/** What ts-proto generates for a unary RPC, as far as a caller uses it. */
export interface UnaryMethod<Req, Res> {
  /** `/<package>.<Service>/<Method>`. */
  readonly path: string;
  readonly requestStream: false;
  readonly responseStream: false;
  readonly requestSerialize: (request: Req) => Uint8Array;
  readonly responseDeserialize: (bytes: Buffer) => Res;
}

export interface CallOptions {
  /** Aborting forgets the call; the peer is not told (ttrpc has no way to). */
  readonly signal?: AbortSignal | undefined;
  /** Sent along, and enforced here too: handlers need not heed it. Default, and beyond 24 days: none. */
  readonly timeoutMs?: number | undefined;
  /** Sent with the request; keys in lower case, e.g. `containerd-namespace-ttrpc`. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

export interface TtrpcClient extends AsyncDisposable {
  /** @throws the peer's error by its kind; `cancelled`, `deadline_exceeded`; see {@link isTtrpcClosed} for a connection that ended. */
  call<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, options?: CallOptions): Promise<Res>;
  /** Resolves when the connection has ended, with the error if it broke. Never rejects. */
  readonly closed: Promise<Error | undefined>;
}

export interface ConnectOptions {
  readonly log?: Logger;
  /** Default: 10 seconds. */
  readonly connectTimeoutMs?: number;
}

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
const NANOS_PER_MS = 1e6;
const MAX_STREAM_ID = 0xffff_ffff;
/** Longer delays overflow Node's timers. */
const MAX_TIMER_MS = 0x7fff_ffff;

/** What calls fail with when there is no connection (any more). */
class TtrpcClosedError extends ContainerdError {
  readonly isTtrpcClosed = true;

  constructor(cause?: Error) {
    super("unknown", `ttrpc: closed: ${ERROR_CLASSES.unknown}`, { cause });
  }
}

/** Whether a call failed because the connection had ended: it may or may not have been carried out. */
export function isTtrpcClosed(error: unknown): boolean {
  return error instanceof Error && "isTtrpcClosed" in error && error.isTtrpcClosed === true;
}

/** Path of a unix socket from `unix:///path` or a plain path. */
function socketPath(address: string): string {
  const path = address.startsWith("unix://") ? address.slice("unix://".length) : address;
  if (!path.startsWith("/") || path.includes("\0")) throw invalidArgument(`ttrpc address ${quote(address)}`);
  return path;
}

/**
 * Dials a ttrpc server. The caller disposes the client.
 * @param address `unix:///path`, or the path itself.
 * @throws invalid_argument for any other address, unavailable when nobody answers there.
 */
export async function connectTtrpc(address: string, options: ConnectOptions = {}): Promise<TtrpcClient> {
  const path = socketPath(address);
  const timeoutMs = options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS;
  const socket = connect({ path });
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      socket.once("connect", () => {
        clearTimeout(timer);
        resolve();
      });
      socket.once("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
    });
  } catch (error) {
    // A late failure of the socket has no one left to hear it.
    socket.on("error", () => {});
    socket.destroy();
    throw unavailable(`dial ${path}: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  return new Client(socket, options.log ?? silentLogger);
}

interface PendingCall {
  answer(frame: Frame): void;
  fail(error: Error): void;
}

class Client implements TtrpcClient {
  readonly closed: Promise<Error | undefined>;
  readonly #socket: Socket;
  readonly #log: Logger;
  readonly #pending = new Map<number, PendingCall>();
  #nextStreamId = 1;
  #isOpen = true;
  #failure: Error | undefined;

  constructor(socket: Socket, log: Logger) {
    this.#socket = socket;
    this.#log = log;
    const decoder = new FrameDecoder();
    socket.on("data", (chunk: Buffer) => {
      for (const frame of decoder.push(chunk)) this.#receive(frame);
    });
    // "close" always follows; there the calls end.
    socket.on("error", (error) => {
      this.#failure = error;
    });
    this.closed = new Promise((resolve) => {
      socket.once("close", () => {
        this.#isOpen = false;
        const calls = [...this.#pending.values()];
        this.#pending.clear();
        for (const call of calls) call.fail(new TtrpcClosedError(this.#failure));
        resolve(this.#failure);
      });
    });
  }

  async call<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, options: CallOptions = {}): Promise<Res> {
    if (options.signal?.aborted === true) throw abortError(options.signal);
    if (options.timeoutMs !== undefined && options.timeoutMs <= 0) throw deadlineError();
    if (!this.#isOpen) throw new TtrpcClosedError(this.#failure);
    const data = encodeRequest(method, request, options);
    if (data.length > MAX_DATA_BYTES) throw errorOf("resource_exhausted", oversizedText(data.length));
    const payload = await this.#exchange(data, options);
    try {
      return method.responseDeserialize(payload);
    } catch (error) {
      throw unknownError(`unmarshal response of ${method.path}: ${String(error)}`, error);
    }
  }

  /** Sends one request and waits for its answer; the stream is forgotten however that ends. */
  #exchange(data: Uint8Array, { signal, timeoutMs }: CallOptions): Promise<Buffer> {
    const streamId = this.#nextStreamId;
    if (streamId > MAX_STREAM_ID) throw errorOf("resource_exhausted", "stream ids of the ttrpc connection");
    this.#nextStreamId += 2;
    return new Promise<Buffer>((resolve, reject) => {
      const end = (): void => {
        this.#pending.delete(streamId);
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
      };
      const fail = (error: Error): void => {
        end();
        reject(error);
      };
      const onAbort = (): void => fail(abortError(signal));
      signal?.addEventListener("abort", onAbort, { once: true });
      const timer = isDeadline(timeoutMs) ? setTimeout(() => fail(deadlineError()), timeoutMs) : undefined;
      this.#pending.set(streamId, {
        fail,
        answer: (frame) => {
          end();
          try {
            resolve(readResponse(frame));
          } catch (error) {
            reject(error);
          }
        },
      });
      this.#socket.write(encodeFrame(streamId, TYPE_REQUEST, 0, data));
    });
  }

  #receive(frame: Frame): void {
    if (frame.type !== TYPE_RESPONSE) return;
    const call = this.#pending.get(frame.streamId);
    // Whoever gave up on a call told nobody, so its answer comes all the same.
    if (call === undefined) this.#log.debug({ streamId: frame.streamId }, "late ttrpc response dropped");
    else call.answer(frame);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOpen = false;
    this.#socket.destroy();
    await this.closed;
  }
}

function encodeRequest<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, options: CallOptions): Uint8Array {
  const [, service = "", name = ""] = method.path.split("/");
  const { timeoutMs, metadata = {} } = options;
  return Request.encode({
    service,
    method: name,
    payload: Buffer.from(method.requestSerialize(request)),
    timeoutNano: isDeadline(timeoutMs) ? BigInt(Math.ceil(timeoutMs * NANOS_PER_MS)) : 0n,
    metadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  }).finish();
}

/** The payload of an answer. @throws what the peer answered, resource_exhausted for an answer that was too long. */
function readResponse(frame: Frame): Buffer {
  if (frame.oversizedBytes !== undefined) throw errorOf("resource_exhausted", oversizedText(frame.oversizedBytes));
  let response: Response;
  try {
    response = Response.decode(frame.data);
  } catch (error) {
    throw unknownError(`unmarshal response: ${String(error)}`, error);
  }
  if (response.status !== undefined && response.status.code !== 0) throw fromStatus(response.status);
  return response.payload;
}

const isDeadline = (timeoutMs: number | undefined): timeoutMs is number =>
  timeoutMs !== undefined && timeoutMs <= MAX_TIMER_MS;

const deadlineError = (cause?: unknown): ContainerdError =>
  new ContainerdError("deadline_exceeded", ERROR_CLASSES.deadline_exceeded, { cause });

function abortError(signal: AbortSignal | undefined): ContainerdError {
  const cause: unknown = signal?.reason;
  return errorKind(cause) === "deadline_exceeded"
    ? deadlineError(cause)
    : new ContainerdError("cancelled", ERROR_CLASSES.cancelled, { cause });
}
