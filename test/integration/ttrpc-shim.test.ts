// The ttrpc client and server against the runc shim that containerd ships, started by hand: what it answers, what it reports, and
// that our server answers malformed frames in the same words.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, openSync } from "node:fs";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { connect, Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { defineService } from "../../api/core/handler.js";
import { TaskExit } from "../../api/gen/events/task.js";
import { CreateTaskRequest, TaskService } from "../../api/gen/runtime/task/v2/shim.js";
import { EventsService } from "../../api/gen/services/ttrpc/events/v1/events.js";
import { Request, Response } from "../../api/gen/ttrpc/request.js";
import type { Envelope } from "../../api/gen/types/event.js";
import { makeFifo } from "../../runtime/sys/fifo.js";
import { connectTtrpc, isTtrpcClosed, type TtrpcClient } from "../../runtime/ttrpc/client.js";
import { encodeFrame, FrameDecoder, TYPE_REQUEST, TYPE_RESPONSE } from "../../runtime/ttrpc/frame.js";
import { serveTtrpc } from "../../runtime/ttrpc/server.js";
import { pidsWithArgument } from "../helpers/leftovers.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const lacking = requires.runc();

const ID = "c1";
const init = { id: ID, execId: "" };

let scope: DisposeScope;
let namespace: string;
let bundle: string;
/** Where the shim listens. */
let address: string;
let client: TtrpcClient;
let events: { namespace: string | undefined; envelope: Envelope | undefined }[];

/** Reads the shim's log, without which it would not start; answers with what came so far. */
function readLog(path: string): () => string {
  makeFifo(path, 0o700);
  const socket = new Socket({ fd: openSync(path, constants.O_RDWR | constants.O_NONBLOCK), writable: false });
  scope.defer(() => socket.destroy());
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}

const socketPath = (): string => address.slice("unix://".length);

async function writeSpec(): Promise<void> {
  const made = await runProgram("runc", ["spec", "-b", bundle]);
  expect(made.code, made.stderr).toBe(0);
  const path = join(bundle, "config.json");
  const spec = JSON.parse(await readFile(path, "utf8"));
  spec.process = { ...spec.process, terminal: false, args: ["/bin/sh", "-c", "exit 7"] };
  spec.linux.cgroupsPath = `/${namespace}/${ID}`;
  await writeFile(path, JSON.stringify(spec));
}

beforeEach(async () => {
  scope = new DisposeScope();
  namespace = freshNamespace(scope);
  const dir = await tempDir(scope);
  bundle = join(dir, "bundle");
  await mkdir(bundle);
  await makeRootfs(join(bundle, "rootfs"));
  await writeSpec();
  events = [];
  const eventsPath = join(dir, "events.sock");
  const service = defineService(EventsService, {
    forward: async ({ envelope }, ctx) => {
      events.push({ namespace: ctx.namespace, envelope });
      return {};
    },
  });
  scope.use(await serveTtrpc({ path: eventsPath, services: [service] }));
  const log = readLog(join(bundle, "log"));
  const args = [
    "-namespace",
    namespace,
    "-address",
    join(dir, "grpc.sock"),
    "-publish-binary",
    "/bin/false",
    "-id",
    ID,
  ];
  const shim = spawn("containerd-shim-runc-v2", [...args, "start"], {
    cwd: bundle,
    env: { ...process.env, GOMAXPROCS: "2", TTRPC_ADDRESS: eventsPath },
    stdio: ["ignore", "pipe", "inherit"],
  });
  address = "";
  shim.stdout.on("data", (chunk: Buffer) => {
    address += chunk.toString();
  });
  const [code] = await once(shim, "close");
  expect(code, log()).toBe(0);
  scope.defer(() => rm(socketPath(), { force: true }));
  client = scope.use(await connectTtrpc(address));
});

afterEach(async () => {
  await scope[Symbol.asyncDispose]();
  expect(await pidsWithArgument(namespace)).toEqual([]);
});

async function shutDown(): Promise<void> {
  // The shim may leave before its answer does.
  await client.call(TaskService.shutdown, { id: ID, now: false }).catch((error: unknown) => {
    if (!isTtrpcClosed(error)) throw error;
  });
  await client.closed;
  await until("the shim to be gone", async () => (await pidsWithArgument(namespace)).length === 0);
  expect(await stat(socketPath()).catch(() => "gone")).toBe("gone");
}

describe.skipIf(lacking)("the real shim", () => {
  test("runs a container and reports it", async () => {
    const connected = await client.call(TaskService.connect, { id: ID });
    expect(connected.shimPid).toBeGreaterThan(1);
    expect(await pidsWithArgument(namespace)).toEqual([connected.shimPid]);
    await expect(client.call(TaskService.state, init)).rejects.toMatchObject({
      kind: "not_found",
      message: expect.stringContaining("container not created: not found"),
    });

    const created = await client.call(TaskService.create, CreateTaskRequest.fromPartial({ id: ID, bundle }));
    expect(created.pid).toBeGreaterThan(1);
    const waiting = client.call(TaskService.wait, init);
    // The shim does not keep the deadline it was sent; we do.
    await expect(client.call(TaskService.wait, init, { timeoutMs: 30 })).rejects.toMatchObject({
      kind: "deadline_exceeded",
    });
    expect((await client.call(TaskService.start, init)).pid).toBe(created.pid);
    expect((await waiting).exitStatus).toBe(7);
    expect(await client.call(TaskService.state, init)).toMatchObject({ id: ID, bundle, status: 3, exitStatus: 7 });
    await expect(client.call(TaskService.start, init)).rejects.toMatchObject({
      kind: "unknown",
      message: "cannot start a stopped process: unknown",
    });
    expect((await client.call(TaskService.delete, init)).exitStatus).toBe(7);

    const topics = ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"];
    await until("four events", () => events.length >= topics.length);
    expect(events.map(({ envelope }) => envelope?.topic).sort()).toEqual(topics.toSorted());
    for (const { namespace: sent, envelope } of events)
      expect([sent, envelope?.namespace]).toEqual([namespace, namespace]);
    const exit = events.find(({ envelope }) => envelope?.topic === "/tasks/exit")?.envelope?.event;
    expect(exit?.typeUrl).toBe("containerd.events.TaskExit");
    expect(TaskExit.decode(exit?.value ?? Buffer.alloc(0))).toMatchObject({ containerId: ID, id: ID, exitStatus: 7 });
    await shutDown();
  });

  test("does not know version 3 of its service, and says so", async () => {
    const v3 = { ...TaskService.connect, path: "/containerd.task.v3.Task/Connect" };
    await expect(client.call(v3, { id: ID })).rejects.toMatchObject({
      kind: "not_implemented",
      message: "service containerd.task.v3.Task: not implemented",
    });
    const calls = Array.from({ length: 50 }, () => client.call(TaskService.connect, { id: ID }));
    expect(new Set((await Promise.all(calls)).map(({ shimPid }) => shimPid)).size).toBe(1);
    await shutDown();
  });

  test("answers malformed frames as our server does", async () => {
    const path = join(bundle, "ours.sock");
    const service = {
      definition: TaskService,
      handlers: { connect: async () => ({ shimPid: 1, taskPid: 0, version: "" }) },
    };
    await using _server = await serveTtrpc({ path, services: [service] });
    const theirs = await answers(socketPath());
    const ours = await answers(path);
    expect(ours).toEqual(theirs);
    await shutDown();
  });
});

const request = (service: string, method: string, payload: Uint8Array = Buffer.alloc(0)): Uint8Array =>
  Request.encode(Request.fromPartial({ service, method, payload: Buffer.from(payload) })).finish();

const TASK = "containerd.task.v2.Task";
/** A field of three bytes of which only one is there. */
const CUT_OFF = Buffer.from([0x0a, 3, 0x61]);

/** Each is answered once, by its stream id. */
const FRAMES: Readonly<Record<string, readonly Buffer[]>> = {
  "unknown service": [encodeFrame(1, TYPE_REQUEST, 0, request("no.Such", "Connect"))],
  "unknown method": [encodeFrame(3, TYPE_REQUEST, 0, request(TASK, "NoSuch"))],
  "empty request": [encodeFrame(5, TYPE_REQUEST, 0, Buffer.alloc(0))],
  "even stream": [encodeFrame(6, TYPE_REQUEST, 0, request(TASK, "Connect"))],
  "stream zero": [encodeFrame(0, TYPE_REQUEST, 0, request(TASK, "Connect"))],
  "too long": [encodeFrame(7, TYPE_REQUEST, 0, Buffer.alloc((4 << 20) + 1))],
  "unknown types first": [
    encodeFrame(9, 9, 0, request(TASK, "Connect")),
    encodeFrame(9, TYPE_RESPONSE, 0, CUT_OFF),
    encodeFrame(9, TYPE_REQUEST, 0xff, request("no.Such", "Connect")),
  ],
  "no request at all": [encodeFrame(11, TYPE_REQUEST, 0, CUT_OFF)],
  "undecodable payload": [encodeFrame(13, TYPE_REQUEST, 0, request(TASK, "Connect", CUT_OFF))],
};

/** Code and text by case; what a decoder says about broken bytes is its own. */
async function answers(path: string): Promise<Record<string, string>> {
  const socket = connect({ path });
  const decoder = new FrameDecoder();
  const got = new Map<number, Response>();
  socket.on("data", (chunk: Buffer) => {
    for (const frame of decoder.push(chunk)) got.set(frame.streamId, Response.decode(frame.data));
  });
  const entries: [string, string][] = [];
  for (const [name, frames] of Object.entries(FRAMES)) {
    for (const frame of frames) socket.write(frame);
    const streamId = frames[0]?.readUInt32BE(4) ?? 0;
    const { status } = await until(`an answer to ${name}`, () => got.get(streamId));
    entries.push([name, `${status?.code} ${status?.message.replace(/(error[^:]*: ).*/, "$1…")}`]);
  }
  socket.destroy();
  return Object.fromEntries(entries);
}
