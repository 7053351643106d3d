// Client and server against each other, over real sockets.

import { spawn } from "node:child_process";
import { getEventListeners, once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Encoded } from "../../api/core/encoded.js";
import { invalidArgument, notFound } from "../../api/core/errors.js";
import type { Handlers } from "../../api/core/handler.js";
import { TaskService, WaitResponse } from "../../api/gen/runtime/task/v2/shim.js";
import { connectTtrpc, isTtrpcClosed, type TtrpcClient } from "./client.js";
import { type ServedService, serveTtrpc, type TtrpcServer } from "./server.js";

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-ttrpc-"));
  path = join(dir, "sock");
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

type TaskDefinition = typeof TaskService;
/** A task service of which each test writes the methods it needs. */
function taskService(handlers: Partial<Handlers<TaskDefinition>>): ServedService {
  return { definition: TaskService, handlers };
}

async function pair(
  handlers: Partial<Handlers<TaskDefinition>>,
): Promise<AsyncDisposable & { client: TtrpcClient; server: TtrpcServer }> {
  const server = await serveTtrpc({ path, services: [taskService(handlers)] });
  const client = await connectTtrpc(`unix://${path}`);
  return {
    client,
    server,
    [Symbol.asyncDispose]: async () => {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const forever = (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));

const init = { id: "c1", execId: "" };

describe("calls", () => {
  test("a request reaches its handler, with the namespace, and its reply comes back", async () => {
    await using both = await pair({
      start: async (request, ctx) => {
        expect({ ...request }).toMatchObject({ id: "c1", execId: "e1" });
        expect(ctx.namespace).toBe("blue");
        return { pid: 42 };
      },
    });
    const metadata = { "containerd-namespace-ttrpc": "blue" };
    const reply = await both.client.call(TaskService.start, { id: "c1", execId: "e1" }, { metadata });
    expect(reply.pid).toBe(42);
  });

  test("an empty reply, and one that is encoded already", async () => {
    const bytes = WaitResponse.encode(WaitResponse.fromPartial({ exitStatus: 7 })).finish();
    await using both = await pair({ pause: async () => ({}), wait: async () => new Encoded<WaitResponse>(bytes) });
    expect(await both.client.call(TaskService.pause, { id: "c1" })).toBeDefined();
    expect((await both.client.call(TaskService.wait, init)).exitStatus).toBe(7);
  });

  test("a blocked call does not block the others, and answers come in any order", async () => {
    let release = (): void => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using both = await pair({
      wait: async () => {
        await released;
        return { exitStatus: 1, exitedAt: undefined };
      },
      start: async ({ id }) => ({ pid: Number(id) }),
    });
    const waiting = both.client.call(TaskService.wait, init);
    const ids = Array.from({ length: 200 }, (_, index) => index);
    const replies = await Promise.all(
      ids.map((id) => both.client.call(TaskService.start, { id: String(id), execId: "" })),
    );
    expect(replies.map(({ pid }) => pid)).toEqual(ids);
    release();
    expect((await waiting).exitStatus).toBe(1);
  });

  test("a megabyte there and back", async () => {
    await using both = await pair({
      stats: async ({ id }) => ({ stats: { typeUrl: "x", value: Buffer.from(id) } }),
    });
    const id = "x".repeat(1 << 20);
    const reply = await both.client.call(TaskService.stats, { id });
    expect(reply.stats?.value.toString()).toBe(id);
  });
});

describe("errors", () => {
  test("kind and message arrive", async () => {
    await using both = await pair({
      start: async ({ id }) => {
        throw id === "a" ? notFound("process e1") : id === "b" ? invalidArgument("spec") : new Error("plain");
      },
    });
    const start = (id: string) => both.client.call(TaskService.start, { id, execId: "" });
    await expect(start("a")).rejects.toMatchObject({ kind: "not_found", message: "process e1: not found" });
    await expect(start("b")).rejects.toMatchObject({ kind: "invalid_argument", message: "spec: invalid argument" });
    await expect(start("c")).rejects.toMatchObject({ kind: "unknown", message: "plain: unknown" });
  });

  test("unknown services and methods are told apart", async () => {
    await using both = await pair({});
    const v3 = { ...TaskService.start, path: "/containerd.task.v3.Task/Start" };
    const text = "service containerd.task.v3.Task: not implemented";
    await expect(both.client.call(v3, init)).rejects.toMatchObject({ kind: "not_implemented", message: text });
    const absent = both.client.call(TaskService.start, init);
    await expect(absent).rejects.toMatchObject({ kind: "not_implemented", message: "method Start: not implemented" });
  });

  test("what is too long is refused, on either way", async () => {
    await using both = await pair({
      stats: async () => ({ stats: { typeUrl: "x", value: Buffer.alloc(5 << 20) } }),
      pause: async () => ({}),
    });
    const tooLong = {
      kind: "resource_exhausted",
      message: expect.stringMatching(/^message length \d+ exceed maximum/),
    };
    await expect(both.client.call(TaskService.stats, { id: "c1" })).rejects.toMatchObject(tooLong);
    await expect(both.client.call(TaskService.pause, { id: "x".repeat(5 << 20) })).rejects.toMatchObject(tooLong);
    await both.client.call(TaskService.pause, { id: "c1" });
  });

  test("an address that is none, and one where nobody is", async () => {
    await expect(connectTtrpc("tcp://127.0.0.1:1")).rejects.toMatchObject({ kind: "invalid_argument" });
    await expect(connectTtrpc(path)).rejects.toMatchObject({ kind: "unavailable" });
  });
});

describe("patience", () => {
  test("a deadline is kept by the client and told to the handler", async () => {
    let told: unknown;
    let tell = (): void => {};
    const heard = new Promise<void>((resolve) => {
      tell = resolve;
    });
    await using both = await pair({
      wait: async (_, ctx) => {
        await new Promise<void>((resolve) => ctx.signal?.addEventListener("abort", () => resolve()));
        told = ctx.signal?.reason;
        tell();
        return { exitStatus: 0, exitedAt: undefined };
      },
      pause: async () => ({}),
    });
    const call = both.client.call(TaskService.wait, init, { timeoutMs: 20 });
    await expect(call).rejects.toMatchObject({ kind: "deadline_exceeded", message: "context deadline exceeded" });
    await heard;
    expect(told).toMatchObject({ kind: "deadline_exceeded" });
    // The handler's late answer is dropped; the connection goes on.
    await both.client.call(TaskService.pause, { id: "c1" });
  });

  test("an aborted call rejects at once; one aborted before is never sent", async () => {
    let calls = 0;
    await using both = await pair({
      wait: (_, ctx) => {
        calls += 1;
        return forever(ctx.signal);
      },
      pause: async () => ({}),
    });
    const controller = new AbortController();
    const call = both.client.call(TaskService.wait, init, { signal: controller.signal });
    await both.client.call(TaskService.pause, { id: "c1" });
    controller.abort();
    await expect(call).rejects.toMatchObject({ kind: "cancelled", message: "context canceled" });
    const late = both.client.call(TaskService.wait, init, { signal: controller.signal });
    await expect(late).rejects.toMatchObject({ kind: "cancelled" });
    expect(calls).toBe(1);
  });

  test("no deadline is too long, and one that has passed is never sent", async () => {
    let calls = 0;
    await using both = await pair({
      start: async (_, ctx) => {
        calls += 1;
        return { pid: ctx.signal?.aborted === true ? 2 : 1 };
      },
    });
    for (const timeoutMs of [Number.POSITIVE_INFINITY, 1e15, 2 ** 31 - 1, 60_000.5]) {
      expect((await both.client.call(TaskService.start, init, { timeoutMs })).pid).toBe(1);
    }
    for (const timeoutMs of [0, -1, Number.NEGATIVE_INFINITY]) {
      const call = both.client.call(TaskService.start, init, { timeoutMs });
      await expect(call).rejects.toMatchObject({ kind: "deadline_exceeded" });
    }
    expect(calls).toBe(4);
  });

  test("a signal shared by many calls keeps nothing of them", async () => {
    await using both = await pair({
      start: async ({ id }) => {
        if (id === "") throw invalidArgument("id");
        return { pid: 1 };
      },
    });
    const { signal } = new AbortController();
    const calls = Array.from({ length: 100 }, (_, index) =>
      both.client.call(TaskService.start, { id: index % 2 === 0 ? "" : "c1", execId: "" }, { signal }),
    );
    await Promise.allSettled(calls);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("a signal that timed out is a deadline", async () => {
    await using both = await pair({ wait: (_, ctx) => forever(ctx.signal) });
    const call = both.client.call(TaskService.wait, init, { signal: AbortSignal.timeout(20) });
    await expect(call).rejects.toMatchObject({ kind: "deadline_exceeded" });
  });
});

describe("endings", () => {
  test("a connection that ends fails what is pending and what comes after", async () => {
    const server = createServer((socket) => socket.once("data", () => socket.destroy())).listen(path);
    await once(server, "listening");
    const client = await connectTtrpc(path);
    const calls = [1, 2, 3].map(() => client.call(TaskService.wait, init));
    for (const call of calls) {
      const error: unknown = await call.catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ kind: "unknown", message: "ttrpc: closed: unknown" });
      expect(isTtrpcClosed(error)).toBe(true);
    }
    expect(await client.closed).toBeUndefined();
    expect(isTtrpcClosed(await client.call(TaskService.wait, init).catch((thrown: unknown) => thrown))).toBe(true);
    await client[Symbol.asyncDispose]();
    await client[Symbol.asyncDispose]();
    server.close();
    await once(server, "close");
  });

  test("disposing the client fails its calls and aborts their handlers", async () => {
    let abortedHandler: unknown;
    const both = await pair({
      wait: async (_, ctx) => {
        await forever(ctx.signal).catch((reason: unknown) => {
          abortedHandler = reason;
        });
        return { exitStatus: 0, exitedAt: undefined };
      },
      pause: async () => ({}),
    });
    const call = both.client.call(TaskService.wait, init).catch((thrown: unknown) => thrown);
    await both.client.call(TaskService.pause, { id: "c1" });
    await both.client[Symbol.asyncDispose]();
    expect(isTtrpcClosed(await call)).toBe(true);
    await both.server[Symbol.asyncDispose]();
    expect(abortedHandler).toMatchObject({ name: "AbortError" });
  });

  test("disposing the server lets the last answers out", async () => {
    const both = await pair({ wait: (_, ctx) => forever(ctx.signal), pause: async () => ({}) });
    const call = both.client.call(TaskService.wait, init).catch((thrown: unknown) => thrown);
    await both.client.call(TaskService.pause, { id: "c1" });
    await both.server[Symbol.asyncDispose]();
    expect(await call).toMatchObject({ kind: "cancelled" });
    await both.client.closed;
  });

  test("a handler that heeds nothing does not keep the server from ending", async () => {
    const server = await serveTtrpc({
      path,
      services: [taskService({ wait: () => new Promise(() => {}), pause: async () => ({}) })],
      drainTimeoutMs: 10,
    });
    const client = await connectTtrpc(path);
    const call = client.call(TaskService.wait, init).catch((thrown: unknown) => thrown);
    await client.call(TaskService.pause, { id: "c1" });
    await server[Symbol.asyncDispose]();
    expect(isTtrpcClosed(await call)).toBe(true);
  });
});

describe("the socket", () => {
  test("is for owner and group, and gone afterwards", async () => {
    const server = await serveTtrpc({ path, services: [] });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await server[Symbol.asyncDispose]();
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  test("a living server is left alone, a dead one's socket replaced", async () => {
    const first = await serveTtrpc({ path, services: [] });
    await expect(serveTtrpc({ path, services: [] })).rejects.toMatchObject({ code: "EADDRINUSE" });
    await first[Symbol.asyncDispose]();
    const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    await once(spawn(process.execPath, ["-e", script]), "close");
    expect(statSync(path).isSocket()).toBe(true);
    const second = await serveTtrpc({ path, services: [taskService({ pause: async () => ({}) })] });
    await using client = await connectTtrpc(path);
    await client.call(TaskService.pause, { id: "c1" });
    await second[Symbol.asyncDispose]();
  });
});
