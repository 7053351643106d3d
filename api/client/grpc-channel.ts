// A gRPC channel over a unix socket: metadata, cancellation and errors for every call, unary or streamed.
import type { Readable } from "node:stream";
import { credentials, Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { RequestContext } from "../core/context.js";
import { failedPrecondition } from "../core/errors.js";
import { type CallDefaults, type Channel, type ClientMethod, callValues, checkDefaults } from "./channel.js";
import { DuplexCall } from "./duplex-call.js";
import { abortError, dialTimeout, fromServiceError } from "./errors.js";
import { parseSocketAddress } from "./socket-address.js";

/** containerd's limit, in each direction. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** Lazy: it dials at the first call, and again after the daemon went away. Close it once; calls that are open then fail. */
export class GrpcChannel implements Channel {
  readonly address: string;
  readonly namespace: string | undefined;
  readonly #defaults: CallDefaults;
  readonly #client: GrpcClient;
  readonly #open = new Set<{ cancel(): void }>();
  #closed = false;

  /** @throws invalid_argument for a malformed address, and for options that only JavaScript can give. */
  constructor(address: string, defaults: CallDefaults) {
    this.address = parseSocketAddress(address);
    this.namespace = defaults.namespace;
    checkDefaults(defaults);
    this.#defaults = defaults;
    this.#client = new GrpcClient(`unix:${this.address}`, credentials.createInsecure(), {
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

  async ready(timeoutMs: number): Promise<void> {
    this.#checkOpen();
    await new Promise<void>((resolve, reject) => {
      this.#client.waitForReady(Date.now() + timeoutMs, (error) => {
        if (error === undefined) resolve();
        else reject(dialTimeout(this.address, timeoutMs, error));
      });
    });
  }

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
        this.#open.delete(call);
        if (error !== null) reject(fromServiceError(error, this.address, signal));
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
      this.#open.add(call);
      const cancel = (): void => call.cancel();
      signal?.addEventListener("abort", cancel, { once: true });
    });
  }

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
    this.#track(call);
    const replies = this.#replies<Response>(call, signal);
    return {
      async *[Symbol.asyncIterator]() {
        try {
          yield* replies;
        } finally {
          signal?.removeEventListener("abort", cancel);
          call.cancel();
        }
      },
    };
  }

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
    this.#track(call);
    const conversation = {
      write: (request: Request) => void call.write(request),
      end: () => void call.end(),
      cancel: () => call.cancel(),
      replies: this.#replies<Response>(call, signal),
    };
    return new DuplexCall(conversation, signal);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    // grpc-js lets open calls go on over a closed channel.
    for (const call of this.#open) call.cancel();
    this.#client.close();
  }

  #track(call: Readable & { cancel(): void }): void {
    // A failure before or after the iteration has nobody to hear it there; within, the iteration throws it.
    call.on("error", () => {});
    this.#open.add(call);
    call.once("close", () => this.#open.delete(call));
  }

  #checkOpen(): void {
    if (this.#closed) throw failedPrecondition(`the client of "${this.address}" has been closed`);
  }

  /** Typed by what responseDeserialize makes. */
  async *#replies<Response>(call: AsyncIterable<unknown>, signal: AbortSignal | undefined): AsyncGenerator<Response> {
    try {
      for await (const message of call) yield message as Response;
    } catch (error) {
      throw isServiceError(error) ? fromServiceError(error, this.address, signal) : error;
    }
  }

  #metadata(ctx: RequestContext): Metadata {
    const metadata = new Metadata();
    const { namespace, leaseId } = callValues(ctx, this.#defaults);
    if (namespace !== undefined) metadata.set("containerd-namespace", namespace);
    if (leaseId !== undefined) metadata.set("containerd-lease", leaseId);
    return metadata;
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}
