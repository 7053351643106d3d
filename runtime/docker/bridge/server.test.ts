// The bridge's server in this process: who is let in, and how long it stays. Its streams are tested with a real engine.
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLogger } from "../../../api/core/log.js";
import { BridgeConnection } from "../../bridge/bridge-connection.js";
import { BridgeServer } from "../../bridge/server.js";
import { Streams } from "../../bridge/streams.js";
import { BRIDGE_NAME, openBridge } from "./client.js";
import { openDockerSource } from "./docker-source.js";

let dir: string;
let socketPath: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "berth-bridge-"));
  socketPath = join(dir, "bridge.sock");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** Resolves when it listens. */
async function start(idleMs: number): Promise<{ readonly server: BridgeServer; readonly ended: Promise<void> }> {
  return await new Promise((resolve, reject) => {
    const server: BridgeServer = new BridgeServer({
      socketPath,
      streams: (deps, onEnd) => new Streams(openDockerSource, deps, onEnd),
      idleMs,
      onReady: () => setImmediate(() => resolve({ server, ended })),
    });
    const ended = server.serve();
    ended.catch(reject);
  });
}

describe("the bridge's server", () => {
  test("is its owner's alone, takes the place of a socket that nobody listens at, and leaves none", async () => {
    await writeFile(socketPath, "");
    const { server, ended } = await start(60_000);
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
    server.asked();
    await ended;
    expect(await readdir(dir)).toEqual([]);
  });

  test("ends when it has been alone for a while, not before", async () => {
    const { ended } = await start(50);
    const connection = await BridgeConnection.open(BRIDGE_NAME, socketPath, silentLogger);
    let hasEnded = false;
    void ended.then(() => {
      hasEnded = true;
    });
    for (let round = 0; round < 20; round += 1) expect(await connection?.ask({ verb: "keys" })).toEqual([]);
    expect(hasEnded).toBe(false);
    connection?.[Symbol.dispose]();
    await ended;
    expect(await BridgeConnection.open(BRIDGE_NAME, socketPath, silentLogger)).toBeUndefined();
  });

  test("refuses a daemon of another version", async () => {
    const { server, ended } = await start(60_000);
    const connection = await BridgeConnection.open(BRIDGE_NAME, socketPath, silentLogger);
    await expect(connection?.ask({ verb: "hello", protocol: 99 })).rejects.toMatchObject({
      kind: "failed_precondition",
    });
    connection?.[Symbol.dispose]();
    server.asked();
    await ended;
  });
});

describe("the daemon's end of the bridge", () => {
  test("asks nothing of a bridge that does not run", async () => {
    await using bridge = openBridge({ socketPath, host: "unix:///nowhere", program: "/nowhere", log: silentLogger });
    await bridge.closeStdin("a");
    await bridge.finished("a");
    await bridge.release("a");
    expect(await bridge.keys()).toEqual([]);
    expect(await readdir(dir)).toEqual([]);
  });

  test.each([
    ["/nowhere", "docker bridge /nowhere: no such file or directory: unavailable"],
    ["/bin/true", "docker bridge /bin/true: docker bridge did not start: it ended without a word: unavailable"],
  ])("says why %s is no bridge", async (program, message) => {
    await using bridge = openBridge({ socketPath, host: "unix:///nowhere", program, log: silentLogger });
    const stdio = { stdin: "", stdout: "/dev/null", stderr: "/dev/null", terminal: false };
    const request = { namespace: "a", id: "a", containerId: "a", stdio, openStdin: false };
    await expect(bridge.attach("a", request)).rejects.toMatchObject({ kind: "unavailable", message });
    expect(await readdir(dir)).toEqual([]);
  });
});
