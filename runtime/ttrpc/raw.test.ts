// The server against peers that speak the protocol badly, or not at all; the client against such servers. Whatever comes, the
// process lives, nothing hangs, and the next connection is served.
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TaskService, WaitResponse } from "../../api/gen/runtime/task/v2/shim.js";
import { Request, Response } from "../../api/gen/ttrpc/request.js";
import { connectTtrpc, isTtrpcClosed } from "./client.js";
import type { ServedService } from "./dispatch.js";
import {
  encodeFrame,
  FLAG_NO_DATA,
  FLAG_REMOTE_CLOSED,
  type Frame,
  FrameDecoder,
  TYPE_DATA,
  TYPE_REQUEST,
  TYPE_RESPONSE,
} from "./frame.js";
import { serveTtrpc, type TtrpcServer } from "./server.js";

const TASK = "containerd.task.v2.Task";
const EVENTS_TO_SEND = 5;

const echo: ServedService = {
  definition: {
    ...TaskService,
    // The same wire with a stream in it, which no shim service has.
    wait: { ...TaskService.wait, responseStream: true },
  },
  handlers: {
    start: async ({ id }) => ({ pid: id.length }),
    wait: async function* ({ id }) {
      for (let index = 0; index < EVENTS_TO_SEND; index++) {
        if (id === "fails" && index === 2) throw new Error("no more");
        yield WaitResponse.fromPartial({ exitStatus: index });
      }
    },
    stats: async ({ id }) => ({ stats: { typeUrl: "x", value: Buffer.alloc(Number(id)) } }),
  },
};

let dir: string;
let path: string;
let server: TtrpcServer;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "berth-ttrpc-"));
  path = join(dir, "sock");
  server = await serveTtrpc({ path, services: [echo] });
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

const request = (method: string, id: string, more: Partial<Request> = {}): Buffer =>
  Buffer.from(
    Request.encode(
      Request.fromPartial({
        service: TASK,
        method,
        payload: TaskService.start.requestSerialize({ id, execId: "" }),
        ...more,
      }),
    ).finish(),
  );

/** Sends the bytes, and reads until there are `count` frames. */
async function exchange(bytes: Buffer, count: number): Promise<Frame[]> {
  const socket = connect({ path });
  try {
    socket.write(bytes);
    return await readFrames(socket, count);
  } finally {
    socket.destroy();
  }
}

async function readFrames(socket: Socket, count: number): Promise<Frame[]> {
  const decoder = new FrameDecoder();
  const frames: Frame[] = [];
  for await (const chunk of socket) {
    frames.push(...decoder.push(chunk));
    if (frames.length >= count) return frames;
  }
  return frames;
}

const statusOf = (frame: Frame | undefined): string => {
  const { status } = Response.decode(frame?.data ?? Buffer.alloc(0));
  return `${frame?.streamId} ${status?.code ?? 0} ${status?.message ?? ""}`.trim();
};

async function expectServed(): Promise<void> {
  await using client = await connectTtrpc(path);
  expect((await client.call(TaskService.start, { id: "four", execId: "" })).pid).toBe(4);
}

describe("streams", () => {
  test("ids must be odd and grow", async () => {
    const start = request("Start", "x");
    const frames = await exchange(
      Buffer.concat([5, 4, 0, 5, 3, 7].map((streamId) => encodeFrame(streamId, TYPE_REQUEST, 0, start))),
      6,
    );
    const odd = "StreamID must be odd for client initiated streams";
    const grow = "StreamID cannot be re-used and must increment";
    expect(frames.map(statusOf).sort()).toEqual([
      `0 3 ${odd}`,
      `3 3 ${grow}`,
      `4 3 ${odd}`,
      "5 0",
      `5 3 ${grow}`,
      "7 0",
    ]);
  });

  test("data belongs to no stream here", async () => {
    const frames = await exchange(
      Buffer.concat([
        encodeFrame(1, TYPE_DATA, FLAG_REMOTE_CLOSED | FLAG_NO_DATA, Buffer.alloc(0)),
        encodeFrame(3, TYPE_DATA, 0, Buffer.from("x")),
      ]),
      1,
    );
    expect(frames.map(statusOf)).toEqual(["3 3 StreamID is no longer active"]);
  });

  test("a server stream is data frames and an end", async () => {
    const frames = await exchange(
      encodeFrame(1, TYPE_REQUEST, FLAG_REMOTE_CLOSED, request("Wait", "x")),
      EVENTS_TO_SEND + 1,
    );
    expect(frames.map(({ type, flags }) => [type, flags])).toEqual([
      ...Array.from({ length: EVENTS_TO_SEND }, () => [TYPE_DATA, 0]),
      [TYPE_DATA, FLAG_REMOTE_CLOSED | FLAG_NO_DATA],
    ]);
    expect(frames.slice(0, -1).map(({ data }) => WaitResponse.decode(data).exitStatus)).toEqual([0, 1, 2, 3, 4]);
  });

  test("a server stream that fails ends with the error", async () => {
    const frames = await exchange(encodeFrame(1, TYPE_REQUEST, FLAG_REMOTE_CLOSED, request("Wait", "fails")), 3);
    expect(frames.map(({ type }) => type)).toEqual([TYPE_DATA, TYPE_DATA, TYPE_RESPONSE]);
    expect(statusOf(frames[2])).toBe("1 2 no more");
  });
});

describe("requests", () => {
  test("an expired or endless deadline, and metadata of any kind", async () => {
    const metadata = [
      { key: "containerd-namespace-ttrpc", value: "a" },
      { key: "containerd-namespace-ttrpc", value: "b" },
      { key: "__proto__", value: "x" },
    ];
    const deadlines = [-1n, 1n, (1n << 63n) - 1n, -(1n << 63n)];
    const frames = await exchange(
      Buffer.concat(
        deadlines.map((timeoutNano, index) =>
          encodeFrame(index * 2 + 1, TYPE_REQUEST, 0, request("Start", "x", { timeoutNano, metadata })),
        ),
      ),
      deadlines.length,
    );
    expect(frames.map(statusOf).sort()).toEqual(["1 0", "3 0", "5 0", "7 0"]);
  });

  test.each(["constructor", "__proto__", "toString", "", "start", "Start/x"])(
    "there is no method %j",
    async (method) => {
      const [frame] = await exchange(encodeFrame(1, TYPE_REQUEST, 0, request(method, "x")), 1);
      expect(statusOf(frame)).toBe(`1 12 method ${method}`.trim());
    },
  );

  test("groups nested without end are refused", async () => {
    const deep = Buffer.alloc(1 << 20, 0x0b);
    const [frame] = await exchange(encodeFrame(1, TYPE_REQUEST, 0, deep), 1);
    expect(statusOf(frame)).toMatch(/^1 3 unmarshal request error: /);
    await expectServed();
  });

  test("a peer that never reads its answers is not read from any more", async () => {
    const filler = { key: "filler", value: "x".repeat(65_536) };
    const megabyte = request("Stats", String(1 << 20), { metadata: [filler] });
    const socket = connect({ path });
    socket.pause();
    socket.on("error", () => {});
    for (let index = 0; index < 200; index++) socket.write(encodeFrame(index * 2 + 1, TYPE_REQUEST, 0, megabyte));
    // Time enough, in turns of the event loop, to read them all.
    await using client = await connectTtrpc(path);
    for (let round = 0; round < 1000; round++) await client.call(TaskService.start, { id: "x", execId: "" });
    // More than any socket buffer holds, so the rest is still here.
    expect(socket.writableLength).toBeGreaterThan(0);
    socket.destroy();
    await once(socket, "close");
    await expectServed();
  });
});

/** Frames worth damaging. */
const SEEDS: readonly Buffer[] = [
  encodeFrame(1, TYPE_REQUEST, 0, request("Start", "abc")),
  encodeFrame(3, TYPE_REQUEST, FLAG_REMOTE_CLOSED, request("Wait", "x")),
  encodeFrame(5, TYPE_REQUEST, 0, request("Stats", "100000")),
  encodeFrame(7, TYPE_REQUEST, 0, request("NoSuch", "x", { metadata: [{ key: "k", value: "v" }], timeoutNano: 1n })),
  encodeFrame(9, TYPE_DATA, FLAG_NO_DATA, Buffer.alloc(0)),
  encodeFrame(
    11,
    TYPE_RESPONSE,
    0,
    Buffer.from(Response.encode(Response.fromPartial({ status: { code: 5 } })).finish()),
  ),
];

interface Damage {
  readonly kind: "flip" | "cut" | "insert" | "repeat";
  readonly place: number;
  readonly bytes: Uint8Array;
}

const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom("flip", "cut", "insert", "repeat"),
  place: fc.nat(),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
});

function mutate(bytes: Buffer, { kind, place, bytes: more }: Damage): Buffer {
  const at = place % (bytes.length + 1);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  if (kind === "insert") return Buffer.concat([before, more, after]);
  if (kind === "cut") return Buffer.concat([before, after.subarray(more.length)]);
  if (kind === "repeat") return Buffer.concat([before, after, after]);
  const copy = Buffer.from(bytes);
  for (const [index, byte] of more.entries()) {
    if (at + index < copy.length) copy.writeUInt8(copy.readUInt8(at + index) ^ byte, at + index);
  }
  return copy;
}

const damagedStream = fc
  .tuple(fc.array(fc.nat(SEEDS.length - 1), { minLength: 1, maxLength: 6 }), fc.array(damage, { maxLength: 5 }))
  .map(([indexes, damages]) =>
    damages.reduce(mutate, Buffer.concat(indexes.map((index) => SEEDS[index] ?? Buffer.alloc(0)))),
  );

describe("damaged streams", () => {
  test("the server survives them", async () => {
    await fc.assert(
      fc.asyncProperty(damagedStream, fc.boolean(), async (bytes, isAbrupt) => {
        const socket = connect({ path });
        socket.on("error", () => {});
        socket.resume();
        await once(socket, "connect");
        if (isAbrupt) {
          socket.write(bytes);
          socket.destroy();
        } else {
          socket.end(bytes);
        }
        if (!socket.closed) await once(socket, "close");
      }),
      { numRuns: 1000 },
    );
    await expectServed();
  });

  test("the client survives them, and every call ends", async () => {
    let answer: Buffer = Buffer.alloc(0);
    const badPath = join(dir, "bad");
    const bad: Server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => socket.end(answer));
    }).listen(badPath);
    await once(bad, "listening");
    const good = encodeFrame(
      1,
      TYPE_RESPONSE,
      0,
      Buffer.from(Response.encode(Response.fromPartial({ payload: Buffer.from([8, 4]) })).finish()),
    );
    await fc.assert(
      fc.asyncProperty(damagedStream, fc.array(damage, { maxLength: 3 }), async (noise, damages) => {
        answer = Buffer.concat([damages.reduce(mutate, good), noise]);
        await using client = await connectTtrpc(badPath);
        const calls = [1, 2].map(() => client.call(TaskService.start, { id: "x", execId: "" }));
        for (const result of await Promise.allSettled(calls)) {
          if (result.status === "rejected") expect(result.reason).toMatchObject({ kind: expect.any(String) });
          else expect(result.value.pid).toEqual(expect.any(Number));
        }
        await client.closed;
        expect(
          isTtrpcClosed(await client.call(TaskService.start, { id: "x", execId: "" }).catch((error: unknown) => error)),
        ).toBe(true);
      }),
      { numRuns: 500 },
    );
    bad.close();
    await once(bad, "close");
  });
});
