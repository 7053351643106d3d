// What a client talks to: calls of a daemon's methods, unary or streamed, over a socket or within one process.
import type { RequestContext } from "../core/context.js";
import { invalidArgument } from "../core/errors.js";
import type { DuplexCall } from "./duplex-call.js";

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

/** The way to one daemon. Dispose it once; calls that are open then fail, and later ones throw failed_precondition. */
export interface Channel extends Disposable {
  /** Path of the socket; undefined for a daemon in this process. */
  readonly address: string | undefined;
  /** For calls whose context names none. */
  readonly namespace: string | undefined;
  /** Resolves when the daemon can be reached. @throws unavailable after `timeoutMs`, failed_precondition once closed. */
  ready(timeoutMs: number): Promise<void>;
  /** One request, one reply. @throws ContainerdError with the daemon's text. */
  unary<Request, Response>(
    method: ClientMethod<Request, Response>,
    request: Request,
    ctx: RequestContext,
  ): Promise<Response>;
  /**
   * One request, many replies. The request leaves at once; replies are read as fast as the consumer takes them. Leaving the loop
   * cancels the call. To be consumed once. @throws ContainerdError from the iteration.
   */
  stream<Request, Response>(
    method: ClientMethod<Request, Response>,
    request: Request,
    ctx: RequestContext,
  ): AsyncIterable<Response>;
  /** A conversation: requests and replies in both directions. Dispose it. */
  duplex<Request, Response>(
    method: ClientMethod<Request, Response>,
    ctx: RequestContext,
  ): DuplexCall<Request, Response>;
}

/** @throws invalid_argument for values that only JavaScript can give. */
export function checkDefaults({ namespace, leaseId }: CallDefaults): void {
  for (const [name, value] of Object.entries({ namespace, leaseId })) {
    if (value !== undefined && typeof value !== "string") throw invalidArgument(`${name} must be a string`);
  }
}

/** What a call carries. @throws invalid_argument for what gRPC does not let into a header. */
export function callValues(ctx: RequestContext, defaults: CallDefaults): CallDefaults {
  return {
    namespace: headerValue("namespace", ctx.namespace ?? defaults.namespace),
    leaseId: headerValue("lease id", ctx.leaseId ?? defaults.leaseId),
  };
}

function headerValue(what: string, value: string | undefined): string | undefined {
  if (value === undefined || /^[\x20-\x7e]*$/.test(value)) return value;
  throw invalidArgument(`${what} ${JSON.stringify(value)} must be printable ASCII`);
}
