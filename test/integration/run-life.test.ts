// `client.run` beyond one daemon's or one client's life: images, restarts, clients and embedding processes that go away.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Client, connect, importImages } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { RunWorld } from "../conformance/run/world.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { startEmbedded } from "../helpers/embedded.js";
import { busyboxLayer, testImage } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { PATIENCE_MS, until } from "../helpers/until.js";

let scope: DisposeScope;
let namespace: string;
beforeEach(() => {
  scope = new DisposeScope();
  namespace = freshNamespace(scope);
});
afterEach(() => scope[Symbol.asyncDispose]());

const worldOf = (client: Client): RunWorld =>
  new RunWorld({
    client,
    shell: (script) => ({ process: true, args: ["/bin/sh", "-c", script], cwd: "/" }),
    isContainer: false,
  });

async function berthd(): Promise<{ daemon: Berthd; client: Client; world: RunWorld }> {
  const daemon = await startBerthd(scope);
  const client = scope.use(connect({ address: daemon.address, namespace }));
  return { daemon, client, world: worldOf(client) };
}

describe.skipIf(requires.root() || requires.binary("containerd-shim-runc-v2"))("an image", () => {
  test("gives process, environment, folder and labels; its snapshot goes with the task", async () => {
    const client = scope.use((await startEmbedded(scope)).client({ namespace }));
    const config = { Entrypoint: ["/bin/sh", "-c"], Cmd: ["env; pwd"], Env: ["A=image"], WorkingDir: "/tmp" };
    const archive = ociArchive(testImage([await busyboxLayer()], { config }), "docker.io/library/box:latest");
    await importImages(client, {}, Readable.from(archive), {});
    const world = worldOf(client);

    const task = await client.run({ image: "box", id: world.freshId(), env: { B: "own" }, remove: false });
    const { stdout, exitStatus } = await task.output();
    expect(exitStatus).toBe(0);
    expect(stdout.split("\n")).toEqual(expect.arrayContaining(["A=image", "B=own", "/tmp"]));
    expect(await client.containers.get({}, task.id)).toMatchObject({
      image: "docker.io/library/box:latest",
      snapshotKey: task.id,
      labels: { "io.containerd.image.config.stop-signal": "SIGTERM" },
    });
    await task.delete();
    expect(await world.left()).toEqual([]);

    const other = await client.run({ image: "box", id: world.freshId(), args: ["/bin/echo", "other"] });
    expect((await other.output()).stdout).toBe("other\n");
    await expect(client.run({ image: "box", args: ["/nope"] })).rejects.toThrow("/nope");
    await expect(client.run({ image: "box", user: "nobody-knows" })).rejects.toMatchObject({ kind: "not_found" });
    await expect(client.run({ image: "box", signal: AbortSignal.timeout(20) }).then((late) => late.wait()))
      .rejects //
      .toMatchObject({ kind: "deadline_exceeded" });
    await expect(client.run({ image: "none" })).rejects.toMatchObject({ kind: "not_found" });
    expect(await world.left()).toEqual([]);
  });
});

describe("a daemon that is restarted", () => {
  test("is not noticed by who waits, reads, writes and removes", async () => {
    const { daemon, world } = await berthd();
    const task = await world.run("echo first; read line; echo got $line; exit 5");
    const lines = createInterface(task.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("first");
    const waiting = task.wait();
    await daemon.kill();
    await daemon.restart();
    task.stdin.end("late\n");
    expect((await lines.next()).value).toBe("got late");
    expect(await waiting).toMatchObject({ exitStatus: 5 });
    expect(await world.left()).toEqual([]);
  });
});

describe("a client that is closed", () => {
  test("leaves its tasks to others", async () => {
    const { daemon, world } = await berthd();
    const short = connect({ address: daemon.address, namespace });
    const id = world.freshId();
    const args = ["/bin/sh", "-c", "trap 'echo bye; exit 4' TERM; echo on; while :; do sleep 0.05; done"];
    const task = await short.run({ process: true, args, id, cwd: "/" });
    await once(task.stdout, "data");
    await short[Symbol.asyncDispose]();
    await expect(task.wait()).rejects.toThrow();

    const found = await world.client.task(id);
    const rest = text(found.stdout);
    await found.kill();
    expect(await found.wait()).toMatchObject({ exitStatus: 4 });
    expect(await rest).toBe("bye\n");
    await found.delete();
    expect(await world.left()).toEqual([]);
  });
});

describe("a program that is killed", () => {
  test.each([
    ["task", "go on"],
    ["daemon", "end"],
  ] as const)("with a daemon of its own: tasks of lifetime %s %s", async (lifetime, _fate) => {
    const dir = await tempDir(scope);
    const program = join(dir, "program.mts");
    const library = fileURLToPath(new URL("../../services/index.ts", import.meta.url));
    const world = worldOf(connect({ address: join(dir, "none.sock") }));
    const id = world.freshId();
    await writeFile(
      program,
      `import { createDaemon } from ${JSON.stringify(library)};
const daemon = await createDaemon({ root: ${JSON.stringify(join(dir, "root"))}, state: ${JSON.stringify(join(dir, "state"))} });
const client = daemon.client({ namespace: ${JSON.stringify(namespace)} });
const args = ["/bin/sh", "-c", "while :; do echo tick; sleep 0.05; done"];
const task = await client.run({ process: true, id: ${JSON.stringify(id)}, args, cwd: "/", lifetime: ${JSON.stringify(lifetime)} });
console.log(task.pid);
for await (const _ of task.stdout);
`,
    );
    const tsx = fileURLToPath(import.meta.resolve("tsx"));
    const child = spawn(process.execPath, ["--import", tsx, program], { stdio: ["ignore", "pipe", "inherit"] });
    const pid = Number(String((await once(child.stdout, "data", { signal: AbortSignal.timeout(PATIENCE_MS) }))[0]));
    expect(isAlive(pid)).toBe(true);
    child.kill("SIGKILL");
    await once(child, "close");
    if (lifetime === "daemon") await until("the task to end", () => !isAlive(pid));

    const next = scope.use((await startEmbedded(scope, { dir })).client({ namespace }));
    const found = await next.task(id);
    expect(found.pid).toBe(pid);
    if (lifetime === "task") {
      expect(await found.state()).toMatchObject({ status: "running" });
      for await (const line of createInterface(found.stdout)) {
        expect(line).toBe("tick");
        break;
      }
    } else expect(await found.wait()).toMatchObject({ exitStatus: 137 });
    await found.delete({ force: true });
    expect(await next.containers.list({})).toEqual([]);
    expect(isAlive(pid)).toBe(false);
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
