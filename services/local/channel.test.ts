// The channel without a wire over handlers made for the purpose: what they see of their callers, and what callers see of them.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RequestContext } from "../../api/core/context.js";
import { Encoded, EncodedBatch } from "../../api/core/encoded.js";
import { ContainerdError, errorKind, notFound } from "../../api/core/errors.js";
import { defineService } from "../../api/core/handler.js";
import { type LogFields, silentLogger } from "../../api/core/log.js";
import { Any } from "../../api/gen/google/protobuf/any.js";
import { GetContainerRequest } from "../../api/gen/services/containers/v1/containers.js";
import { LocalChannel } from "./channel.js";
import { LocalServer } from "./server.js";

type Unary = (request: Any, ctx: RequestContext) => Promise<Any | Encoded<Any>>;
type Streamed = (request: Any, ctx: RequestContext) => AsyncIterable<Any | Encoded<Any> | EncodedBatch<Any>>;
type Talk = (requests: AsyncIterable<Any>, ctx: RequestContext) => AsyncIterable<Any>;

const codec = {
  requestSerialize: (message: Any): Buffer => Buffer.from(Any.encode(message).finish()),
  requestDeserialize: (bytes: Buffer): Any => Any.decode(bytes),
  responseSerialize: (message: Any): Buffer => Buffer.from(Any.encode(message).finish()),
  responseDeserialize: (bytes: Buffer): Any => Any.decode(bytes),
};
const UNARY = { path: "/t/Unary", requestStream: false, responseStream: false, ...codec } as const;
const STREAM = { path: "/t/Stream", requestStream: false, responseStream: true, ...codec } as const;
const TALK = { path: "/t/Talk", requestStream: true, responseStream: true, ...codec } as const;

const any = (typeUrl: string): Any => Any.fromPartial({ typeUrl });
const encoded = (typeUrl: string): Encoded<Any> => new Encoded<Any>(codec.responseSerialize(any(typeUrl)));

interface Lines {
  readonly level: string;
  readonly fields: LogFields;
}

let lines: Lines[];
let server: LocalServer;

/** A channel to a server of these three; what a test does not give is never called. */
function channelTo(handlers: { unary?: Unary; stream?: Streamed; talk?: Talk }): LocalChannel {
  const missing = (): never => {
    throw new Error("not asked for");
  };
  const { unary = missing, stream = missing, talk = missing } = handlers;
  const service = defineService({ unary: UNARY, stream: STREAM, talk: TALK }, { unary, stream, talk });
  const write = (level: string) => (fields: LogFields) => void lines.push({ level, fields });
  const log = { ...silentLogger, debug: write("debug"), info: write("info"), error: write("error") };
  server = new LocalServer({ services: [service], log, stopDeadlineMs: 50 });
  return new LocalChannel(server, { namespace: "ns", leaseId: "l" });
}

const failureOf = async (work: Promise<unknown>): Promise<unknown> => await work.catch((error: unknown) => error);
const topics = async (replies: AsyncIterable<Any>): Promise<string[]> => {
  const all: string[] = [];
  for await (const { typeUrl } of replies) all.push(typeUrl);
  return all;
};
/** Waits as long as the call is wanted, then says why it ended. */
const untilAborted = ({ signal }: RequestContext): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }));

beforeEach(() => {
  lines = [];
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

describe("a handler", () => {
  test("sees namespace, lease, this process as its peer, and the request itself", async () => {
    let seen: RequestContext = {};
    let request: Any | undefined;
    const channel = channelTo({
      unary: async (message, ctx) => {
        seen = ctx;
        request = message;
        return message;
      },
    });
    const sent = any("x");
    expect(await channel.unary(UNARY, sent, { namespace: "other" })).toBe(sent);
    expect(request).toBe(sent);
    expect(seen).toMatchObject({ namespace: "other", leaseId: "l", peer: { pid: process.pid } });
    expect(seen.signal?.aborted).toBe(false);
  });

  test("may answer with bytes, one by one and in batches", async () => {
    const channel = channelTo({
      unary: async () => encoded("a"),
      async *stream() {
        yield any("1");
        yield encoded("2");
        yield new EncodedBatch([encoded("3"), encoded("4")]);
      },
    });
    expect(await channel.unary(UNARY, any(""), {})).toMatchObject({ typeUrl: "a" });
    expect(await topics(channel.stream(STREAM, any(""), {}))).toEqual(["1", "2", "3", "4"]);
  });

  test("runs at once, up to its first reply, and then as fast as replies are taken", async () => {
    let made = 0;
    const channel = channelTo({
      async *stream() {
        for (; made < 100; ) {
          made += 1;
          yield any(String(made));
        }
      },
    });
    const replies = channel.stream(STREAM, any(""), {});
    expect(made).toBe(1);
    for await (const { typeUrl } of replies) {
      // What is on its way, and what the handler makes meanwhile.
      expect(made).toBeLessThanOrEqual(Number(typeUrl) + 1);
      if (typeUrl === "10") break;
    }
    await server.calls.whenIdle();
    expect(made).toBeLessThanOrEqual(12);
  });

  test("is told when nobody reads any more, and may let go of things", async () => {
    const said: string[] = [];
    const channel = channelTo({
      async *stream(_, ctx) {
        try {
          yield any("1");
          await untilAborted(ctx);
        } finally {
          await new Promise((resolve) => setImmediate(resolve));
          said.push("let go");
        }
      },
    });
    for await (const _ of channel.stream(STREAM, any(""), {})) break;
    await server.calls.whenIdle();
    expect(said).toEqual(["let go"]);
    expect(lines.map(({ level, fields }) => [level, fields["code"]])).toEqual([["debug", "CANCELLED"]]);
  });

  test("reads a conversation to its end, and answers behind it", async () => {
    const channel = channelTo({
      async *talk(requests) {
        let count = 0;
        for await (const request of requests) {
          count += 1;
          yield any(`${request.typeUrl}!`);
        }
        yield any(String(count));
      },
    });
    const call = channel.duplex(TALK, {});
    expect((await call.ask(any("a"))).typeUrl).toBe("a!");
    expect((await call.ask(any("b"))).typeUrl).toBe("b!");
    call.end();
    expect((await call.receive())?.typeUrl).toBe("2");
    expect(await call.receive()).toBeUndefined();
  });
});

describe("a failure", () => {
  test("has the kind and text that it has on the wire, with what was thrown as its cause", async () => {
    const thrown = notFound("x");
    const channel = channelTo({ unary: () => Promise.reject(thrown) });
    const error = await failureOf(channel.unary(UNARY, any(""), {}));
    expect(error).toBeInstanceOf(ContainerdError);
    expect(error).toMatchObject({ kind: "not_found", message: "x: not found", cause: thrown });
    expect(lines).toMatchObject([{ level: "info", fields: { code: "NOT_FOUND", rpc: "/t/Unary", namespace: "ns" } }]);
  });

  test.each<[string, unknown, string]>([
    ["of no kind", new TypeError("oops"), "unknown"],
    ["of a kind that shares its code", new ContainerdError("conflict", "a: conflict"), "conflict"],
    ["of such a kind in other words", new ContainerdError("conflict", "a"), "failed_precondition"],
  ])("%s", async (_, thrown, kind) => {
    const channel = channelTo({ unary: () => Promise.reject(thrown) });
    expect(await failureOf(channel.unary(UNARY, any(""), {}))).toMatchObject({ kind });
  });

  test("of a stream comes behind what it had said", async () => {
    const channel = channelTo({
      async *stream() {
        yield any("1");
        throw notFound("rest");
      },
    });
    const iterator = channel.stream(STREAM, any(""), {})[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toMatchObject({ typeUrl: "1" });
    expect(await failureOf(iterator.next())).toMatchObject({ kind: "not_found" });
  });

  test("for want of the method", async () => {
    const channel = channelTo({});
    const error = await failureOf(channel.unary({ ...UNARY, path: "/t/Other" }, any(""), {}));
    expect(error).toMatchObject({
      kind: "not_implemented",
      message: "The server does not implement the method /t/Other",
    });
  });

  test("for a request of more than 16 MiB, and none for one of just as much", async () => {
    const channel = channelTo({ unary: async (message) => message });
    const most = 16 * 1024 * 1024;
    const frame = codec.requestSerialize(Any.fromPartial({ value: Buffer.alloc(most - 100) })).length - (most - 100);
    const fits = Any.fromPartial({ value: Buffer.alloc(most - frame) });
    expect(await channel.unary(UNARY, fits, {})).toBe(fits);
    const longer = Any.fromPartial({ value: Buffer.alloc(most - frame + 1) });
    const error = await failureOf(channel.unary(UNARY, longer, {}));
    expect(error).toMatchObject({
      kind: "resource_exhausted",
      message: `Attempted to send message with a size larger than ${most}`,
    });
    // Many short pieces count as well.
    const method = { ...UNARY, requestSerialize: (message: GetContainerRequest) => encode(message) };
    const id = "ä".repeat(most / 2 + 1);
    expect(await failureOf(channel.unary(method, { id }, {}))).toMatchObject({ kind: "resource_exhausted" });
  });
});

const encode = (message: GetContainerRequest): Buffer => Buffer.from(GetContainerRequest.encode(message).finish());

describe("an end before its time", () => {
  test("an abort is told to both sides at once, and the call is open until its handler is done", async () => {
    let letGo = (): void => {};
    const channel = channelTo({
      unary: async (_, ctx) => {
        await untilAborted(ctx).catch(() => {});
        await new Promise<void>((resolve) => {
          letGo = resolve;
        });
        throw ctx.signal?.reason;
      },
    });
    const controller = new AbortController();
    const call = failureOf(channel.unary(UNARY, any(""), { signal: controller.signal }));
    controller.abort();
    expect(await call).toMatchObject({ kind: "cancelled", message: "context canceled" });
    let isIdle = false;
    const idle = server.calls.whenIdle().then(() => {
      isIdle = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isIdle).toBe(false);
    letGo();
    await idle;
  });

  test("a timeout is a passed deadline", async () => {
    const channel = channelTo({ unary: (_, ctx) => untilAborted(ctx) });
    const error = await failureOf(channel.unary(UNARY, any(""), { signal: AbortSignal.timeout(5) }));
    expect(error).toMatchObject({ kind: "deadline_exceeded", message: "context deadline exceeded" });
  });

  test("a stream that nobody ever reads ends with the signal", async () => {
    const channel = channelTo({
      async *stream() {
        for (;;) yield any("again");
      },
    });
    const controller = new AbortController();
    channel.stream(STREAM, any(""), { signal: controller.signal });
    controller.abort();
    await server.calls.whenIdle();
  });

  test("nothing of a call stays on the caller's signal", async () => {
    const channel = channelTo({
      unary: async (message) => message,
      async *stream() {
        yield any("1");
      },
      async *talk(requests) {
        yield* requests;
      },
    });
    const { signal } = new AbortController();
    let listeners = 0;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: Parameters<typeof addEventListener>) => {
      listeners += 1;
      addEventListener.apply(signal, args);
    };
    signal.removeEventListener = (...args: Parameters<typeof removeEventListener>) => {
      listeners -= 1;
      removeEventListener.apply(signal, args);
    };
    await channel.unary(UNARY, any(""), { signal });
    await topics(channel.stream(STREAM, any(""), { signal }));
    await using call = channel.duplex(TALK, { signal });
    await call.ask(any("x"));
    await call[Symbol.asyncDispose]();
    await server.calls.whenIdle();
    expect(listeners).toBe(0);
  });

  test("a server that stops ends what waits, lets finish what works, and refuses what comes", async () => {
    let finish = (): void => {};
    const channel = channelTo({
      unary: async (message) => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return message;
      },
      async *stream(_, ctx) {
        yield any("1");
        await untilAborted(ctx);
      },
    });
    const working = channel.unary(UNARY, any("done"), {});
    const waiting = failureOf(topics(channel.stream(STREAM, any(""), {})));
    const stopped = server[Symbol.asyncDispose]();
    const stopping = { kind: "unavailable", message: "the daemon is stopping: unavailable" };
    expect(await waiting).toMatchObject(stopping);
    expect(await failureOf(channel.unary(UNARY, any(""), {}))).toMatchObject(stopping);
    expect(await failureOf(topics(channel.stream(STREAM, any(""), {})))).toMatchObject(stopping);
    finish();
    expect(await working).toMatchObject({ typeUrl: "done" });
    await stopped;
  });

  test("a server does not wait for ever", async () => {
    const channel = channelTo({ unary: () => new Promise<never>(() => {}) });
    const hanging = failureOf(channel.unary(UNARY, any(""), {}));
    await server[Symbol.asyncDispose]();
    expect(errorKind(await hanging)).toBe("unavailable");
  });
});
