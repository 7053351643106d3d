// Calls over a real socket, to whoever answers there.
import { createServer, type RequestListener, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { tempDir } from "../../test/helpers/temp.js";
import { type Engine, openEngine } from "./engine.js";
import { engineKind } from "./engine-kind.js";

let scope: DisposeScope;
let socketPath: string;
let engine: Engine;
beforeEach(async () => {
  scope = new DisposeScope();
  socketPath = join(await tempDir(scope), "d.sock");
  engine = scope.use(openEngine({ host: `unix://${socketPath}`, env: { DOCKER_HOST: "tcp://nowhere:1" } }));
});
afterEach(() => scope[Symbol.asyncDispose]());

async function answer(listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  scope.defer(() => server.close());
  scope.defer(() => server.closeAllConnections());
  return server;
}

const inspect = (options = {}): Promise<unknown> =>
  engine.call("inspect x", (docker, abortSignal) => docker.getContainer("x").inspect({ abortSignal }), options);

test.each([
  [404, '{"message":"No such container: x"}', "not_found", /^docker: inspect x: No such container: x: not found$/],
  [409, '{"message":"in use"}', "failed_precondition", /in use/],
  [400, '{"message":"bad"}', "invalid_argument", /bad/],
  [403, '{"message":"no"}', "permission_denied", /no/],
  [500, '{"message":"broken"}', "unknown", /^docker: inspect x: broken$/],
  [503, '{"message":"later"}', "unavailable", /later/],
  [404, "404 page not found\n", "not_implemented", /no such call/],
])("a status of %i is an error of a kind, in the engine's words: %s", async (status, body, kind, message) => {
  await answer((_request, response) => response.writeHead(status, { "Content-Type": "application/json" }).end(body));
  await expect(inspect()).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
});

test("a conflict is what the call says it is", async () => {
  await answer((_request, response) => response.writeHead(409).end('{"message":"in use"}'));
  await expect(inspect({ conflict: "already_exists" })).rejects.toMatchObject({ kind: "already_exists" });
});

test("nobody at the address, and somebody who hangs up", async () => {
  await expect(inspect()).rejects.toMatchObject({
    kind: "unavailable",
    message: expect.stringContaining(`docker engine at unix://${socketPath}: inspect x: `),
  });
  await answer((request) => request.socket.destroy());
  await expect(inspect()).rejects.toMatchObject({ kind: "unavailable" });
});

test("somebody who does not answer is waited for until the deadline, the caller's end or the engine's", async () => {
  await answer(() => {});
  await expect(inspect({ timeoutMs: 20 })).rejects.toMatchObject({ kind: "deadline_exceeded" });
  await expect(inspect({ signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: "cancelled" });
  await expect(inspect({ signal: AbortSignal.timeout(20) })).rejects.toMatchObject({ kind: "deadline_exceeded" });
  const waiting = inspect();
  await engine[Symbol.asyncDispose]();
  await expect(waiting).rejects.toMatchObject({ kind: "cancelled" });
  await expect(inspect()).rejects.toMatchObject({ kind: "cancelled" });
});

test.each([
  ["docker", {}],
  ["podman", { "Libpod-API-Version": "4.3.1" }],
])("%s says who it is, once", async (kind, headers) => {
  let pings = 0;
  await answer((_request, response) => {
    pings += 1;
    response.writeHead(200, headers).end("OK");
  });
  expect(await engineKind(engine)).toBe(kind);
  expect(await engineKind(engine)).toBe(kind);
  expect(pings).toBe(1);
});

test("a socket is this host's, a port may be anybody's", () => {
  expect(engine.isLocal).toBe(true);
  expect(openEngine({ host: "tcp://127.0.0.1:1", env: {} }).isLocal).toBe(false);
});
