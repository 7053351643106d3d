// The one form of a service: an object of plain typed functions. Adapters put it on gRPC, on ttrpc, or on no wire at all.
import type { RequestContext } from "./context.js";
import type { Encoded, EncodedBatch } from "./encoded.js";

/** What ts-proto generates for one RPC, as far as adapters use it. */
export interface MethodDefinition {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  // biome-ignore lint/suspicious/noExplicitAny: the generated functions are typed by message; the adapter sees all of them
  readonly requestDeserialize: (bytes: Buffer) => any;
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly responseSerialize: (message: any) => Buffer;
}

export type ServiceDefinition = Readonly<Record<string, MethodDefinition>>;

/** What a handler may answer with. */
export type Reply<T> = T | Encoded<T>;

type Request<M extends MethodDefinition> = ReturnType<M["requestDeserialize"]>;
type Response<M extends MethodDefinition> = Parameters<M["responseSerialize"]>[0];

/** The function behind one RPC: unary, or an async generator where the server streams; a client stream comes as an iterable. */
export type Handler<M extends MethodDefinition> = (
  request: M["requestStream"] extends true ? AsyncIterable<Request<M>> : Request<M>,
  ctx: RequestContext,
) => M["responseStream"] extends true
  ? AsyncIterable<Reply<Response<M>> | EncodedBatch<Response<M>>>
  : Promise<Reply<Response<M>>>;

export type Handlers<S extends ServiceDefinition> = { readonly [K in keyof S]: Handler<S[K]> };

/** A service ready to be served: its wire definition and its handlers. */
export interface Service<S extends ServiceDefinition = ServiceDefinition> {
  readonly definition: S;
  readonly handlers: Handlers<S>;
  /** Unary methods that wait for something to happen. A server that stops ends them at once, as it does streams. */
  readonly waits?: readonly string[];
}

/** Binds handlers to a generated service definition, e.g. `defineService(VersionService, { version: async () => … })`. */
export function defineService<S extends ServiceDefinition>(
  definition: S,
  handlers: Handlers<S>,
  options: { readonly waits?: readonly (keyof S & string)[] } = {},
): Service<S> {
  return { definition, handlers, ...options };
}
