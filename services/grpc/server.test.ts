// The adapter and the server over a real socket, with a service that only tests need.
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, status as Code, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { Encoded, EncodedBatch } from "../../api/core/encoded.js";
import { notFound } from "../../api/core/errors.js";
import { defineService, type Service } from "../../api/core/handler.js";
import { type LogFields, type Logger, silentLogger } from "../../api/core/log.js";
import { MAX_MESSAGE_BYTES, serveGrpc } from "./server.js";

/** A definition whose messages are plain text. */
const rpc = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestDeserialize: (bytes: Buffer): string => {
    if (bytes.toString() === "undecodable") throw new Error("premature EOF");
    return bytes.toString();
  },
  responseSerialize: (text: string): Buffer => {
    if (text === "unencodable") throw new TypeError("not a message");
    return Buffer.from(text);
  },
});
const DEFINITION = {
  unary: { ...rpc("Unary", false, false), requestStream: false as const, responseStream: false as const },
  waiting: { ...rpc("Waiting", false, false), requestStream: false as const, responseStream: false as const },
  serverStream: { ...rpc("ServerStream", false, true), requestStream: false as const, responseStream: true as const },
  clientStream: { ...rpc("ClientStream", true, false), requestStream: true as const, responseStream: false as const },
  bidi: { ...rpc("Bidi", true, true), requestStream: true as const, responseStream: true as const },
};

const same = (bytes: Buffer): Buffer => bytes;
const forever = (ctx: RequestContext): Promise<never> =>
  new Promise((_, reject) => {
    ctx.signal?.addEventListener("abort", () => reject(ctx.signal?.reason), { once: true });
  });

/** Small, empty and large ones, more than go into one write. */
const BATCH = Array.from(
  { length: 200 },
  (_, index) => `${index}:${"x".repeat((index % 7) * (index % 50) * 100)}`,
).toSpliced(20, 0, "");
const inPieces = (text: string): Uint8Array[] =>
  [0, 1, 2].map((n) => Buffer.from(text.slice(n, n < 2 ? n + 1 : undefined)));

/** More than a client takes before it reads. */
const LARGE = "x".repeat(2 ** 20);

let scope: DisposeScope;
let path: string;
const events: string[] = [];
let seen: RequestContext | undefined;
let finishWork = (): void => {};

const echo = defineService(
  DEFINITION,
  {
    unary: async (text, ctx) => {
      seen = ctx;
      if (text === "missing") throw notFound('thing "x"');
      if (text === "bug") throw new TypeError("not your fault");
      if (text === "work") {
        events.push("working");
        await new Promise<void>((resolve) => {
          finishWork = resolve;
        });
      }
      if (text === "encoded") return new Encoded<string>(Buffer.from("as bytes"));
      if (text === "large") return "x".repeat(MAX_MESSAGE_BYTES + 1);
      if (text === "largest") return "x".repeat(MAX_MESSAGE_BYTES);
      return text;
    },
    waiting: async (_, ctx) => {
      events.push("waiting");
      return await forever(ctx).finally(() => events.push("unary ended"));
    },
    async *serverStream(text, ctx) {
      try {
        events.push("stream started");
        if (text === "wait") await forever(ctx);
        if (text === "flood") {
          for (let index = 0; index < 100_000; index += 1) {
            events.push("produced");
            yield "x".repeat(65_536);
          }
        }
        if (text === "batch") yield new EncodedBatch(BATCH.map((each) => new Encoded<string>(inPieces(each))));
        yield "one";
        if (text === "fail") throw notFound("the rest");
        if (text === "broken") yield "unencodable";
        yield new Encoded<string>(Buffer.from("two"));
      } finally {
        events.push("stream ended");
      }
    },
    clientStream: async (requests) => {
      const all: string[] = [];
      for await (const text of requests) all.push(text);
      return all.join("+");
    },
    async *bidi(requests) {
      const messages = requests[Symbol.asyncIterator]();
      for (let next = await messages.next(); next.done !== true; next = await messages.next()) {
        yield `${next.value}!`;
        if (next.value !== "fail") continue;
        messages.next().catch(() => events.push("reading ended"));
        yield LARGE;
        events.push("about to fail");
        throw notFound("the rest");
      }
    },
  },
  { waits: ["waiting"] },
);

async function serve(log: Logger = silentLogger) {
  const server = scope.use(
    await serveGrpc({ path, services: [echo as unknown as Service], log, stopDeadlineMs: 2_000 }),
  );
  const client = new Client(`unix:${path}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  scope.defer(() => client.close());
  return { server, client };
}

const ask = (
  client: Client,
  method: string,
  text: string | Buffer,
  metadata: Metadata,
  timeoutMs: number,
): Promise<string> =>
  new Promise((resolve, reject) => {
    const options = { deadline: Date.now() + timeoutMs };
    client.makeUnaryRequest(`/test.Echo/${method}`, same, same, Buffer.from(text), metadata, options, (error, reply) =>
      error ? reject(error) : resolve((reply ?? Buffer.alloc(0)).toString()),
    );
  });

const unary = (client: Client, text: string | Buffer, metadata = new Metadata()): Promise<string> =>
  ask(client, "Unary", text, metadata, 10_000);
const waiting = (client: Client, timeoutMs = 10_000): Promise<string> =>
  ask(client, "Waiting", "", new Metadata(), timeoutMs);
const serverStream = (client: Client, text: string) =>
  client.makeServerStreamRequest("/test.Echo/ServerStream", same, same, Buffer.from(text));

const failure = (work: Promise<unknown>): Promise<ServiceError> =>
  work.then(
    () => Promise.reject(new Error("it succeeded")),
    (error: ServiceError) => error,
  );

async function waitFor(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`gave up: ${events.slice(0, 10)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

beforeEach(async () => {
  scope = new DisposeScope();
  events.length = 0;
  const dir = await mkdtemp(join(tmpdir(), "bt-"));
  scope.defer(() => rm(dir, { recursive: true, force: true }));
  path = join(dir, "below", "g.sock");
});
afterEach(() => scope[Symbol.asyncDispose]());

describe("calls", () => {
  test("of every form get their answer", async () => {
    const { client } = await serve();
    expect(await unary(client, "hello")).toBe("hello");
    expect(await unary(client, "encoded")).toBe("as bytes");
    const streamed: string[] = [];
    for await (const message of serverStream(client, "go")) streamed.push(String(message));
    expect(streamed).toEqual(["one", "two"]);
    const sum = await new Promise<string>((resolve, reject) => {
      const call = client.makeClientStreamRequest(
        "/test.Echo/ClientStream",
        same,
        same,
        new Metadata(),
        (error, reply) => (error ? reject(error) : resolve(String(reply))),
      );
      call.write(Buffer.from("a"));
      call.end(Buffer.from("b"));
    });
    expect(sum).toBe("a+b");
    const bidi = client.makeBidiStreamRequest("/test.Echo/Bidi", same, same);
    bidi.write(Buffer.from("x"));
    bidi.end(Buffer.from("y"));
    const answers: string[] = [];
    for await (const message of bidi) answers.push(String(message));
    expect(answers).toEqual(["x!", "y!"]);
  });

  test("know who called", async () => {
    const { client } = await serve();
    await unary(client, "hello");
    expect(seen?.peer).toEqual({ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  });

  test.each([
    ["missing", Code.NOT_FOUND, 'thing "x": not found'],
    ["bug", Code.UNKNOWN, "not your fault"],
    ["undecodable", Code.INTERNAL, "grpc: error unmarshalling request: premature EOF"],
    ["large", Code.RESOURCE_EXHAUSTED, "grpc: trying to send message larger than max (16777217 vs. 16777216)"],
  ])("%s fails with its code and text", async (text, code, details) => {
    const { client } = await serve();
    expect(await failure(unary(client, text))).toMatchObject({ code, details });
    expect(await unary(client, "still there")).toBe("still there");
  });

  test("carry 16 MiB both ways and not a byte more", async () => {
    const { client } = await serve();
    const largest = Buffer.alloc(MAX_MESSAGE_BYTES, "y");
    expect((await unary(client, largest)).length).toBe(MAX_MESSAGE_BYTES);
    expect((await unary(client, "largest")).length).toBe(MAX_MESSAGE_BYTES);
    const refused = await failure(unary(client, Buffer.concat([largest, Buffer.from("y")])));
    expect(refused.code).toBe(Code.RESOURCE_EXHAUSTED);
  });

  test("leave one log line when they fail, without their payload", async () => {
    const lines: [string, LogFields][] = [];
    const keep = (fields: LogFields, message: string): void => void lines.push([message, fields]);
    const log: Logger = { ...silentLogger, info: keep, warn: keep, error: keep };
    const { client } = await serve(log);
    const metadata = new Metadata();
    metadata.set("containerd-namespace", "n1");
    await failure(unary(client, "missing", metadata));
    await failure(unary(client, "bug"));
    expect(lines).toEqual([
      [
        "rpc failed",
        expect.objectContaining({
          rpc: "/test.Echo/Unary",
          code: "NOT_FOUND",
          namespace: "n1",
          durationMs: expect.any(Number),
        }),
      ],
      ["rpc failed unexpectedly", expect.objectContaining({ code: "UNKNOWN", err: expect.any(TypeError) })],
    ]);
  });
});

describe("streams", () => {
  test("tell a failure after what was sent before it", async () => {
    const { client } = await serve();
    const got: string[] = [];
    const call = serverStream(client, "fail");
    const error = await failure(
      (async () => {
        for await (const message of call) got.push(String(message));
      })(),
    );
    expect(got).toEqual(["one"]);
    expect(error).toMatchObject({ code: Code.NOT_FOUND, details: "the rest: not found" });
  });

  test("tell it when they still read, and what was sent is not read yet", async () => {
    const { client } = await serve();
    const call = client.makeBidiStreamRequest("/test.Echo/Bidi", same, same);
    call.on("error", () => {});
    call.write(Buffer.from("fail"));
    await waitFor(() => events.includes("about to fail"));
    const got: string[] = [];
    const error = await failure(
      (async () => {
        for await (const message of call) got.push(String(message));
      })(),
    );
    expect(got).toEqual(["fail!", LARGE]);
    expect(error).toMatchObject({ code: Code.NOT_FOUND, details: "the rest: not found" });
    await waitFor(() => events.includes("reading ended"));
  });

  test("with a message that cannot be encoded end, rather than hang", async () => {
    const { client } = await serve();
    const call = serverStream(client, "broken");
    const error = await failure(call.toArray());
    expect(error).toMatchObject({ code: Code.UNKNOWN, details: "not a message" });
  });

  test("bring what is ready at once whole and in order", async () => {
    const { client } = await serve();
    const messages = (await serverStream(client, "batch").toArray()).map(String);
    expect(messages).toEqual([...BATCH, "one", "two"]);
  });

  test("send their headers once the handler waits", async () => {
    const { client } = await serve();
    const call = serverStream(client, "wait");
    call.on("error", () => {});
    await new Promise((resolve) => call.once("metadata", resolve));
    expect(events).toContain("stream started");
    call.cancel();
    await waitFor(() => events.includes("stream ended"));
  });

  test("stop producing while nobody reads, and end when the caller goes", async () => {
    const { client } = await serve();
    const call = serverStream(client, "flood");
    call.on("error", () => {});
    await new Promise((resolve) => call.once("readable", resolve));
    let before = -1;
    await waitFor(() => {
      const settled = before === events.length;
      before = events.length;
      return settled;
    });
    expect(events.length).toBeLessThan(1_000);
    call.cancel();
    await waitFor(() => events.includes("stream ended"));
  });
});

describe("patience", () => {
  test("a cancelled call aborts its handler", async () => {
    const { client } = await serve();
    const call = client.makeUnaryRequest("/test.Echo/Waiting", same, same, Buffer.alloc(0), () => {});
    await waitFor(() => events.includes("waiting"));
    call.cancel();
    await waitFor(() => events.includes("unary ended"));
  });

  test("a passed deadline does too", async () => {
    const { client } = await serve();
    expect((await failure(waiting(client, 100))).code).toBe(Code.DEADLINE_EXCEEDED);
    await waitFor(() => events.includes("unary ended"));
  });

  test("a stopping server lets work finish and takes on no more", async () => {
    const { server, client } = await serve();
    const answer = unary(client, "work");
    await waitFor(() => events.includes("working"));
    const stopped = server[Symbol.asyncDispose]();
    const refused = await failure(unary(client, "late"));
    expect(refused.code).toBe(Code.UNAVAILABLE);
    finishWork();
    expect(await answer).toBe("work");
    await stopped;
  });

  test("a stopping server ends what waits with UNAVAILABLE and removes its socket", async () => {
    const { server, client } = await serve();
    const unanswered = failure(waiting(client));
    await waitFor(() => events.includes("waiting"));
    const stream = serverStream(client, "wait");
    const streaming = failure(stream.toArray());
    await new Promise((resolve) => stream.once("metadata", resolve));
    await server[Symbol.asyncDispose]();
    expect((await unanswered).code).toBe(Code.UNAVAILABLE);
    expect((await streaming).code).toBe(Code.UNAVAILABLE);
    await expect(stat(path)).rejects.toMatchObject({ code: "ENOENT" });
    await server[Symbol.asyncDispose]();
  });
});
