import { mkdtemp, rename, rm, stat, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { VersionService } from "../../api/gen/services/version/v1/version.js";
import { defineVersionService } from "../version/service.js";
import { type GrpcServer, serveGrpc } from "./server.js";

let scope: DisposeScope;
let dir: string;
let path: string;

beforeEach(async () => {
  scope = new DisposeScope();
  dir = await mkdtemp(join(tmpdir(), "bt-"));
  scope.defer(() => rm(dir, { recursive: true, force: true }));
  path = join(dir, "below", "g.sock");
});
afterEach(() => scope[Symbol.asyncDispose]());

async function serve(version = "1"): Promise<GrpcServer> {
  const services = [defineVersionService({ version, revision: "" })];
  return scope.use(await serveGrpc({ path, services, log: silentLogger }));
}

async function askVersion(): Promise<string> {
  const client = new Client(`unix:${path}`, credentials.createInsecure());
  const { path: method, requestSerialize, responseDeserialize } = VersionService.version;
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(method, requestSerialize, responseDeserialize, {}, (error, reply) =>
        error ? reject(error) : resolve(reply?.version ?? ""),
      );
    });
  } finally {
    client.close();
  }
}

/** A socket file that nobody listens on: one that was renamed outlives its server. */
async function leaveStaleSocket(): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.tmp`, resolve));
  await rename(`${path}.tmp`, path);
  await new Promise((resolve) => server.close(resolve));
}

test("a socket is for its owner and group, in a folder that lets others pass", async () => {
  await serve();
  expect((await stat(path)).mode & 0o777).toBe(0o660);
  expect((await stat(join(path, ".."))).mode & 0o777).toBe(0o711);
});

test("the socket of a server that lives is left alone", async () => {
  await serve("mine");
  await expect(serve("yours")).rejects.toMatchObject({
    kind: "failed_precondition",
    message: `another server is listening on ${path}`,
  });
  expect(await askVersion()).toBe("mine");
});

test("the socket of a server that died is replaced", async () => {
  const first = await serve();
  await first[Symbol.asyncDispose]();
  await leaveStaleSocket();
  await serve("mine now");
  expect(await askVersion()).toBe("mine now");
});

test("a file is never taken for a socket", async () => {
  path = join(dir, "file");
  await writeFile(path, "precious");
  await expect(serve()).rejects.toThrow(`${path} exists and is not a socket`);
});

test.each([
  ["relative.sock", /is not absolute/],
  [`/tmp/${"x".repeat(103)}`, /is longer than 107 bytes/],
])("a socket at %s is refused", async (bad, message) => {
  path = bad;
  await expect(serve()).rejects.toThrow(message);
});

test("what is not HTTP/2 disturbs nobody", async () => {
  await serve("unmoved");
  for (const garbage of [
    "GET / HTTP/1.1\r\n\r\n",
    "\0".repeat(100),
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff",
  ]) {
    const socket = connect(path);
    socket.on("error", () => {});
    socket.resume();
    socket.end(Buffer.from(garbage, "latin1"));
    await new Promise((resolve) => socket.once("close", resolve));
  }
  expect(await askVersion()).toBe("unmoved");
});
