// Puts the services of api/core/handler.ts on grpc-js: one function per RPC, with the error boundary around it. Messages pass
// grpc-js as bytes. They are decoded and encoded here, so that one that is broken or too large fails like anything else.
import { once } from "node:events";
import type { Readable } from "node:stream";
import {
  Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import type { RequestContext } from "../../api/core/context.js";
import { Encoded, EncodedBatch } from "../../api/core/encoded.js";
import { ContainerdError } from "../../api/core/errors.js";
import type { MethodDefinition, Service } from "../../api/core/handler.js";
import type { Logger } from "../../api/core/log.js";
import { answerCall } from "../answer-call.js";
import type { OpenCall, OpenCalls } from "../open-calls.js";
import { Frame, framesOf } from "./frame.js";
import { requestContext } from "./request-context.js";
import { readRequests } from "./requests.js";
import type { GrpcStatus } from "./status.js";

export interface AdapterDeps {
  readonly log: Logger;
  readonly calls: OpenCalls;
  /** Size in bytes of the largest reply. */
  readonly maxMessageBytes: number;
}

interface CallDeps extends AdapterDeps {
  /** Whether the call waits for something to happen; streams do. Default: false. */
  readonly waits?: boolean | undefined;
}

type AnyHandler = (request: unknown, ctx: RequestContext) => unknown;
type Call = Pick<ServerUnaryCall<Buffer, Buffer>, "metadata" | "getPeer" | "getDeadline"> & NodeJS.EventEmitter;
type WritableCall = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

/** What grpc-js's `addService` takes. */
export function adaptService(
  service: Service,
  deps: AdapterDeps,
): { definition: ServiceDefinition; implementation: Record<string, UntypedHandleCall> } {
  const definition: Record<string, ServiceDefinition[string]> = {};
  const implementation: Record<string, UntypedHandleCall> = {};
  for (const [name, method] of Object.entries(service.definition)) {
    const { path, requestStream, responseStream } = method;
    definition[name] = { path, requestStream, responseStream, ...BYTES };
    // The mapped type ties each handler to its messages; here any of them may come.
    const handler = service.handlers[name] as AnyHandler;
    implementation[name] = responseStream
      ? streaming(method, handler, { ...deps, waits: true })
      : single(method, handler, { ...deps, waits: service.waits?.includes(name) });
  }
  return { definition, implementation };
}

const same = (bytes: Buffer): Buffer => bytes;
const BYTES = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same };
/** A Frame does what grpc-js asks of a reply's buffer. */
const asReply = (frame: Frame): Buffer => frame as unknown as Buffer;

function single(method: MethodDefinition, handler: AnyHandler, deps: CallDeps): UntypedHandleCall {
  return (call: ServerUnaryCall<Buffer, Buffer>, reply: sendUnaryData<Buffer>) => {
    void serve(method, call, deps, async (ctx, open) => {
      const request = method.requestStream
        ? readRequests(asReadable(call), open.signal, (bytes) => decode(method, bytes))
        : decode(method, call.request);
      const message = encode(method, await handler(request, ctx), deps.maxMessageBytes);
      reply(null, asReply(new Frame([message])));
    }).then((failure) => failure && reply(failure));
  };
}

function streaming(method: MethodDefinition, handler: AnyHandler, deps: CallDeps): UntypedHandleCall {
  return (call: WritableCall) => {
    void serve(method, call, deps, async (ctx, { signal }) => {
      const request =
        "request" in call ? decode(method, call.request) : readRequests(call, signal, (bytes) => decode(method, bytes));
      // The mapped type promises an iterable where the definition says that the server streams.
      await pump(call, method, handler(request, ctx) as AsyncIterable<unknown>, deps, signal);
      signal.throwIfAborted();
      call.end();
    }).then((failure) => failure && call.emit("error", failure));
  };
}

/** Writes every reply, as fast as the caller reads; ends the iteration in any case. */
async function pump(
  call: WritableCall,
  method: MethodDefinition,
  replies: AsyncIterable<unknown>,
  deps: AdapterDeps,
  signal: AbortSignal,
): Promise<void> {
  const iterator = replies[Symbol.asyncIterator]();
  try {
    const first = iterator.next();
    // The handler has run up to its first wait, so the headers tell the caller that a subscription is live.
    call.sendMetadata(new Metadata());
    for (let step = await first; !step.done && !signal.aborted; step = await iterator.next()) {
      const ready = step.value instanceof EncodedBatch ? step.value.messages : [step.value];
      for (const frame of framesOf(ready.map((each) => encode(method, each, deps.maxMessageBytes)))) {
        if (!call.write(asReply(frame))) await once(call, "drain", { signal });
      }
    }
  } finally {
    await iterator.return?.();
  }
}

/** Runs one call. Resolves with the status it failed with; it never rejects. */
async function serve(
  method: MethodDefinition,
  call: Call,
  deps: CallDeps,
  answer: (ctx: RequestContext, open: OpenCall) => Promise<void>,
): Promise<GrpcStatus | undefined> {
  const open = deps.calls.enter(deps.waits === true);
  call.once("cancelled", () => open.abort(() => cancelReason(call)));
  const ctx = requestContext(call.metadata, open, call.getPeer());
  const failure = await answerCall(method.path, { ...deps, open, ctx }, () => answer(ctx, open));
  return failure?.status;
}

function cancelReason(call: Call): ContainerdError {
  const deadline = Number(call.getDeadline());
  return Date.now() >= deadline
    ? new ContainerdError("deadline_exceeded", "context deadline exceeded")
    : new ContainerdError("cancelled", "context canceled");
}

function decode(method: MethodDefinition, bytes: Buffer): unknown {
  try {
    return method.requestDeserialize(bytes);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ContainerdError("internal", `grpc: error unmarshalling request: ${reason}`, { cause: error });
  }
}

/** grpc-js hands the handler of a client stream a call to read from. */
const asReadable = (call: unknown): Readable => call as Readable;

function encode(method: MethodDefinition, reply: unknown, maxBytes: number): Encoded<unknown> {
  const message = reply instanceof Encoded ? reply : new Encoded<unknown>(method.responseSerialize(reply));
  if (message.sizeBytes <= maxBytes) return message;
  const text = `grpc: trying to send message larger than max (${message.sizeBytes} vs. ${maxBytes})`;
  throw new ContainerdError("resource_exhausted", text);
}
