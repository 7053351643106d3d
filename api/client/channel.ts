// One gRPC channel over a unix socket: metadata, cancellation and errors for every call, unary or streamed.
import { isAbsolute, resolve } from "node:path";
import { credentials, Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { RequestContext } from "../core/context.js";
import { failedPrecondition, invalidArgument } from "../core/errors.js";
import { DuplexCall } from "./duplex-call.js";
import { abortError, dialTimeout, fromServiceError } from "./errors.js";

/** containerd's limit, in each direction. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;
/** sockaddr_un.sun_path less its final zero. */
const MAX_SOCKET_PATH_BYTES = 107;

/** What ts-proto generates for one RPC, as far as a client uses it. */
export interface ClientMethod<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (message: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** What a call carries when its own context does not say otherwise. */
export interface CallDefaults {
  readonly namespace?: string | undefined;
  readonly leaseId?: string | undefined;
}

/** The path in a socket address: a path, or a path behind `unix:` or `unix://`. @throws invalid_argument. */
export function parseSocketAddress(address: string): string {
  if (typeof address !== "string") throw invalidArgument("address must be a string");
  const path = address.replace(/^unix:(?:\/\/)?/, "");
  if (path === "" || path.includes("\0"))
    throw invalidArgument(`socket address ${JSON.stringify(address)} has no path`);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(path)) {
    throw invalidArgument(`socket address "${address}" is not the path of a unix socket`);
  }
  const absolute = isAbsolute(path) ? path : resolve(path);
  if (Buffer.byteLength(absolute) > MAX_SOCKET_PATH_BYTES) {
    throw invalidArgument(`socket address "${address}" is longer than ${MAX_SOCKET_PATH_BYTES} bytes`);
  }
  return absolute;
}

/** Lazy: it dials at the first call, and again after the daemon went away. Close it once; calls that are open then fail. */
export class Channel implements Disposable {
  readonly socketPath: string;
  readonly #defaults: CallDefaults;
  readonly #client: GrpcClient;
  readonly #conversations = new Set<{ cancel(): void }>();
  #closed = false;

  /** @throws invalid_argument for a malformed address, and for options that only JavaScript can give. */
  constructor(address: string, defaults: CallDefaults) {
    this.socketPath = parseSocketAddress(address);
    this.#defaults = defaults;
    for (const [name, value] of Object.entries({ namespace: defaults.namespace, leaseId: defaults.leaseId })) {
      if (value !== undefined && typeof value !== "string") throw invalidArgument(`${name} must be a string`);
    }
    this.#client = new GrpcClient(`unix:${this.socketPath}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
      // Two clients of one socket share nothing, so that closing one closes its connection.
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_http_proxy": 0,
      "grpc.service_config_disable_resolution": 1,
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 2000,
    });
  }

  /** Resolves when the connection stands. @throws unavailable after `timeoutMs`, failed_precondition once closed. */
  async ready(timeoutMs: number): Promise<void> {
    this.#checkOpen();
    await new Promise<void>((resolve, reject) => {
      this.#client.waitForReady(Date.now() + timeoutMs, (error) => {
        if (error === undefined) resolve();
        else reject(dialTimeout(this.socketPath, timeoutMs, error));
      });
    });
  }

  /** One request, one reply. @throws ContainerdError with the daemon's text. */
  async unary<Request, Response>(
    method: ClientMethod<Request, Response>,
    request: Request,
    ctx: RequestContext,
  ): Promise<Response> {
    const { signal } = ctx;
    this.#checkOpen();
    if (signal?.aborted === true) throw abortError(signal);
    return await new Promise<Response>((resolve, reject) => {
      const done = (error: ServiceError | null, response?: Response): void => {
        signal?.removeEventListener("abort", cancel);
        if (error !== null) reject(fromServiceError(error, this.socketPath, signal));
        else if (response === undefined) reject(new Error(`${method.path} ended without a reply`));
        else resolve(response);
      };
      const call = this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.#metadata(ctx),
        done,
      );
      const cancel = (): void => call.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

  /**
   * One request, many replies. The request leaves at once; replies are read as fast as the consumer takes them. Leaving the loop
   * cancels the call. To be consumed once. @throws ContainerdError from the iteration.
   */
  stream<Request, Response>(
    method: ClientMethod<Request, Response>,
    request: Request,
    ctx: RequestContext,
  ): AsyncIterable<Response> {
    const { signal } = ctx;
    this.#checkOpen();
    if (signal?.aborted === true) throw abortError(signal);
    const call = this.#client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      this.#metadata(ctx),
    );
    const cancel = (): void => call.cancel();
    signal?.addEventListener("abort", cancel, { once: true });
    // A failure before or after the iteration has nobody to hear it there; within, the iteration throws it.
    call.on("error", () => {});
    const socketPath = this.socketPath;
    return {
      async *[Symbol.asyncIterator]() {
        try {
          for await (const message of call) yield message as Response; // typed by responseDeserialize
        } catch (error) {
          throw isServiceError(error) ? fromServiceError(error, socketPath, signal) : error;
        } finally {
          signal?.removeEventListener("abort", cancel);
          call.cancel();
        }
      },
    };
  }

  /** A conversation: requests and replies in both directions. Dispose it. */
  duplex<Request, Response>(
    method: ClientMethod<Request, Response>,
    ctx: RequestContext,
  ): DuplexCall<Request, Response> {
    const { signal } = ctx;
    this.#checkOpen();
    if (signal?.aborted === true) throw abortError(signal);
    const call = this.#client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.#metadata(ctx),
    );
    const duplex = new DuplexCall(call, this.socketPath, signal);
    this.#conversations.add(duplex);
    call.once("close", () => this.#conversations.delete(duplex));
    return duplex;
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    // grpc-js lets open calls go on over a closed channel.
    for (const conversation of this.#conversations) conversation.cancel();
    this.#client.close();
  }

  #checkOpen(): void {
    if (this.#closed) throw failedPrecondition(`the client of "${this.socketPath}" has been closed`);
  }

  #metadata(ctx: RequestContext): Metadata {
    const metadata = new Metadata();
    const namespace = ctx.namespace ?? this.#defaults.namespace;
    const leaseId = ctx.leaseId ?? this.#defaults.leaseId;
    if (namespace !== undefined) metadata.set("containerd-namespace", headerValue("namespace", namespace));
    if (leaseId !== undefined) metadata.set("containerd-lease", headerValue("lease id", leaseId));
    return metadata;
  }
}

/** What gRPC lets into a header; grpc-js would throw a bare Error. */
function headerValue(what: string, value: string): string {
  if (!/^[\x20-\x7e]*$/.test(value)) throw invalidArgument(`${what} ${JSON.stringify(value)} must be printable ASCII`);
  return value;
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}
