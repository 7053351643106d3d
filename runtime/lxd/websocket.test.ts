import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { LxdServer } from "./server.js";
import { openWebSocket } from "./websocket.js";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const PING = Buffer.of(0x89, 0);
const PONG = 0x8a;
const END = Buffer.of(0x81, 0);

/** A frame as servers send it, without a mask. */
function binary(data: Buffer): Buffer {
  const head = Buffer.of(0x82, 127, 0, 0, 0, 0, 0, 0, 0, 0);
  head.writeUInt32BE(data.length, 6);
  return Buffer.concat([head, data]);
}

async function startServer(scope: DisposeScope, serve: (socket: Duplex) => void): Promise<LxdServer> {
  const dir = await mkdtemp(join(tmpdir(), "bt-"));
  scope.defer(() => rm(dir, { recursive: true, force: true }));
  const server = createServer();
  server.on("upgrade", ({ headers }, socket) => {
    const accept = createHash("sha1").update(`${headers["sec-websocket-key"]}${GUID}`).digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    serve(socket);
  });
  const socketPath = join(dir, "s");
  server.listen(socketPath);
  await once(server, "listening");
  scope.defer(() => server.close());
  return scope.use(new LxdServer({ socketPath }));
}

test("what was sent before a hang-up is read, though there was a ping to answer", async () => {
  await using scope = new DisposeScope();
  const data = Buffer.alloc(120_000, "x");
  let closed: Promise<unknown> = Promise.resolve();
  const server = await startServer(scope, (socket) => {
    closed = once(socket, "close");
    // More than is read at once: the rest waits in the kernel when the ping is seen.
    socket.write(Buffer.concat([PING, binary(data), END]), () => socket.destroy());
  });
  using socket = await openWebSocket(server, "test", "/");
  await closed;
  const messages: string[] = [];
  for await (const { isText, data: part } of socket.messages()) {
    messages.push(`${isText ? "text" : "bytes"} ${part.length}`);
    if (isText) break;
  }
  expect(messages).toEqual(["bytes 120000", "text 0"]);
});

test.each([
  [true, 1],
  [false, 0],
])("pings are answered where that is wanted: %s", async (answersPings, pongs) => {
  await using scope = new DisposeScope();
  const heard: Buffer[] = [];
  let closed: Promise<unknown> = Promise.resolve();
  const server = await startServer(scope, (socket) => {
    closed = once(socket, "close");
    socket.on("data", (chunk: Buffer) => heard.push(chunk));
    socket.on("end", () => socket.end());
    socket.write(Buffer.concat([PING, END]));
  });
  const socket = await openWebSocket(server, "test", "/", { answersPings });
  for await (const { isText } of socket.messages()) {
    if (isText) break;
  }
  socket[Symbol.dispose]();
  await closed;
  expect(heard.filter(([opcode]) => opcode === PONG)).toHaveLength(pongs);
});
