import { createServer as createHttpServer, request as httpRequest } from "node:http";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type LxdEvent, openEvents } from "../../runtime/lxd/events.js";
import { startExec } from "../../runtime/lxd/exec.js";
import { writeFile } from "../../runtime/lxd/files.js";
import { changeState, createInstance, deleteInstance, getInstance } from "../../runtime/lxd/instances.js";
import { LxdServer } from "../../runtime/lxd/server.js";
import { getLxdInfo } from "../../runtime/lxd/setup.js";
import { initListens, LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";

/** An LXD whose events are refused, or end with the first request that follows them. */
async function withoutEvents(
  lxdSocket: string,
  socketPath: string,
  how: "refused" | "broken",
): Promise<AsyncDisposable & { readonly socketPath: string }> {
  const followers = new Set<Duplex>();
  const front = createHttpServer((request, response) => {
    for (const socket of followers) socket.destroy();
    const { method, url, headers } = request;
    const passed = httpRequest({ socketPath: lxdSocket, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 0, answer.headers);
      answer.pipe(response);
    });
    request.pipe(passed);
  });
  front.on("upgrade", ({ url, headers }, socket) => {
    socket.on("error", () => {});
    if (how === "refused") {
      socket.end("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    followers.add(socket);
    const upstream = connect(lxdSocket);
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`);
    upstream.write([`GET ${url} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
    upstream.pipe(socket).pipe(upstream);
    socket.on("close", () => upstream.destroy());
  });
  await new Promise<void>((resolve) => front.listen(socketPath, resolve));
  return {
    socketPath,
    [Symbol.asyncDispose]: async () => {
      front.closeAllConnections();
      await new Promise((resolve) => front.close(resolve));
    },
  };
}

const OWNER = { uid: 0, gid: 0, mode: 0o644 };

describe.skipIf(requires.root() || requires.binary("lxd"))("waiting for LXD", () => {
  const scope = new DisposeScope();
  let lxd: Lxd;
  let server: LxdServer;

  beforeAll(async () => {
    lxd = await startLxd(scope);
    server = scope.use(new LxdServer({ socketPath: lxd.socketPath }));
    await createInstance(server, { name: "web", source: { type: "alias", alias: LXD_BUSYBOX } });
    await changeState(server, "web", "start");
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test("events tell what happens to instances, whoever does it", async () => {
    using events = await openEvents(server, ["lifecycle"]);
    await lxd.must(["restart", "-f", "web"]);
    await initListens(lxd, "web");
    await changeState(server, "web", "stop");
    const found: LxdEvent[] = [];
    for await (const event of events.read()) {
      found.push(event);
      if (event.type === "lifecycle" && event.metadata.action === "instance-shutdown") break;
    }
    expect(found.map((event) => event.type === "lifecycle" && event.metadata)).toContainEqual(
      expect.objectContaining({ action: "instance-restarted", source: "/1.0/instances/web" }),
    );
    await changeState(server, "web", "start");
  });

  describe("who waits", () => {
    test("may give up", async () => {
      await using other = new LxdServer({ socketPath: lxd.socketPath });
      const signal = AbortSignal.abort();
      await expect(getInstance(other, "web", { signal })).rejects.toMatchObject({ kind: "cancelled" });
      await createInstance(server, { name: "deaf", source: { type: "alias", alias: LXD_BUSYBOX } });
      const init = "#!/bin/sh\ntrap '' PWR TERM INT\nwhile :; do /bin/sleep 1; done\n";
      await writeFile(server, "deaf", "/sbin/init", Buffer.from(init), { ...OWNER, mode: 0o755 });
      await changeState(server, "deaf", "start");
      const stop = new AbortController();
      const onNews = (): void => stop.abort();
      const stopping = changeState(other, "deaf", "stop", { signal: stop.signal, graceMs: 600_000, onNews });
      await expect(stopping).rejects.toMatchObject({
        kind: "cancelled",
        message: "lxd: stop instance deaf: context canceled",
      });
      await changeState(server, "deaf", "stop", { isForced: true });
      await deleteInstance(server, "deaf");
    });

    test("has a deadline", async () => {
      const dir = await tempDir(scope);
      const silent = createServer(() => {});
      await new Promise<void>((resolve) => silent.listen(join(dir, "s"), resolve));
      await using other = new LxdServer({ socketPath: join(dir, "s"), timeoutMs: 50 });
      try {
        await expect(getLxdInfo(other)).rejects.toMatchObject({
          kind: "deadline_exceeded",
          message: "lxd: look at the server: context deadline exceeded",
        });
      } finally {
        silent.close();
      }
    });

    test("is told that nobody is there", async () => {
      await using nobody = new LxdServer({ socketPath: join(lxd.dir, "nobody") });
      await expect(getLxdInfo(nobody)).rejects.toMatchObject({ kind: "unavailable" });
      await expect(openEvents(nobody, ["lifecycle"])).rejects.toMatchObject({ kind: "unavailable" });
    });

    test.each(["refused", "broken"] as const)("asks where events are %s", async (how) => {
      const name = `events-${how}`;
      await using front = await withoutEvents(lxd.socketPath, join(await tempDir(scope), "s"), how);
      await using other = new LxdServer(front);
      await createInstance(other, { name, source: { type: "alias", alias: LXD_BUSYBOX } });
      await changeState(other, name, "start");
      expect((await getInstance(server, name)).status).toBe("Running");
      await changeState(other, name, "stop", { isForced: true });
      await deleteInstance(other, name);
    });

    // Last, as it ends what the others stand on for a while.
    test("hears of an LXD that is killed, and finds the next one", async () => {
      using process = await startExec(server, "web", { command: ["sleep", "600"] });
      using events = await openEvents(server, ["lifecycle"]);
      // What happened before may be told first.
      const read = async (): Promise<true> => {
        for await (const _event of events.read());
        return true;
      };
      const reading = read().catch((error: unknown) => error);
      await lxd.kill9();
      await expect(process.exit).rejects.toMatchObject({ kind: "unavailable" });
      expect(await reading).toSatisfy((end: unknown) => end === true || end instanceof Error);
      await lxd.restart();
      expect((await getInstance(server, "web")).status).toBe("Running");
    });
  });
});
