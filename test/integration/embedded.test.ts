// A daemon in one's own process: what it opens, whom it shares, how it ends, and who finds its tasks again.
import { access, readdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { FAKE_RUNTIME, FakeWorld, fakeDriver } from "../../runtime/index.js";
import { type Client, connect, createDaemon, NULL_STDIO } from "../../services/index.js";
import { failure } from "../conformance/failure.js";
import { startEmbedded } from "../helpers/embedded.js";
import { noiseLayer, testImage } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { launch } from "../helpers/launch.js";
import { ociSpec } from "../helpers/oci-spec.js";
import { startProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const NO_RUNC = requires.root() || requires.binary("runc") || requires.binary("containerd-shim-runc-v2");
const RUNC = { name: "io.containerd.runc.v2" };
const KILL = { signal: 9, all: false };
const STOPPING = "unavailable: the daemon is stopping: unavailable";

let scope: DisposeScope;
beforeEach(() => {
  scope = new DisposeScope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
/** A record of a container whose task only waits. */
const sleeper = (id: string, runtime: { readonly name: string }) => ({
  id,
  runtime,
  spec: ociSpec({ args: ["sleep", "600"], rootfs: "rootfs", cgroupsPath: `/bt/${id}` }),
});

describe("a daemon without an address", () => {
  test("has no gRPC socket, and one for its shims in the state folder", async () => {
    const daemon = await startEmbedded(scope);
    expect(daemon.address).toBeUndefined();
    expect(daemon.client().address).toBeUndefined();
    expect(daemon.ttrpcAddress).toBe(join(daemon.stateDir, "berth.sock.ttrpc"));
    expect(await exists(daemon.ttrpcAddress)).toBe(true);
    expect((await readdir(daemon.stateDir)).includes("berth.sock")).toBe(false);
    await daemon[Symbol.asyncDispose]();
    expect(await exists(daemon.ttrpcAddress)).toBe(false);
  });

  test("is refused where its socket could not be", async () => {
    const state = join(await tempDir(scope), "x".repeat(90));
    const refused = await failure(createDaemon({ root: await tempDir(scope), state }));
    expect(refused).toMatch(/^invalid_argument: options of the daemon: state: must be a path of at most \d+ bytes/);
    expect(await exists(state)).toBe(false);
  });

  test("is the only one in its folders", async () => {
    const first = await startEmbedded(scope);
    const second = createDaemon({ root: first.rootDir, state: first.stateDir });
    expect(await failure(second)).toMatch(/^failed_precondition: .* is in use by process \d+: failed precondition$/);
    expect((await first.client().version()).version).toBe(first.version);
  });
});

test("with an address it serves its own process and others alike", async () => {
  const address = join(await tempDir(scope), "b.sock");
  const daemon = await startEmbedded(scope, { address });
  expect(daemon.address).toBe(address);
  const near = scope.use(daemon.client({ namespace: "ns" }));
  const far = scope.use(connect({ address, namespace: "ns" }));
  const events = near.events.subscribe({ filters: ["topic~=/containers/"] })[Symbol.asyncIterator]();
  const made = await far.containers.create({}, sleeper("x", RUNC));
  expect((await events.next()).value).toMatchObject({ namespace: "ns", topic: "/containers/create" });
  expect(await near.containers.get({}, "x")).toEqual(made);
  await near.containers.delete({}, "x");
  expect(await far.containers.list({})).toEqual([]);
});

test("what one caller changes in a reply, no other one sees", async () => {
  const daemon = await startEmbedded(scope);
  const client = daemon.client({ namespace: "ns" });
  await client.containers.create({}, sleeper("x", RUNC));
  const container = await client.containers.get({}, "x");
  container.spec?.value.fill(0);
  Object.assign(container.labels, { mine: "1" });
  const again = await client.containers.get({}, "x");
  expect(again.labels).toEqual({});
  expect(again.spec?.value[0]).toBe("{".charCodeAt(0));
});

describe("stopping", () => {
  test("ends what waits as unavailable, and everything that comes later", async () => {
    const world = new FakeWorld();
    const daemon = await startEmbedded(scope, {}, { drivers: [fakeDriver(world)] });
    const client = daemon.client({ namespace: "ns" });
    await client.containers.create({}, sleeper("x", { name: FAKE_RUNTIME }));
    await client.tasks.create({}, "x", { ...NULL_STDIO, rootfs: [] });
    await client.tasks.start({}, "x", "");
    const writer = await client.content.openWriter({}, { ref: "r" });
    await writer.write(Buffer.from("some"));
    const waiting = failure(client.tasks.wait({}, "x", ""));
    const following = failure(client.events.subscribe()[Symbol.asyncIterator]().next());
    await daemon[Symbol.asyncDispose]();
    expect(await waiting).toBe(STOPPING);
    expect(await following).toBe(STOPPING);
    expect(await failure(writer.write(Buffer.from("more")))).toBe(STOPPING);
    expect(await failure(client.containers.list({}))).toBe(STOPPING);
    expect(await failure(client.containers.delete({}, "x"))).toBe(STOPPING);
    await client[Symbol.asyncDispose]();
  });

  test("a writer that its owner forgot does not hold it up", async () => {
    const daemon = await startEmbedded(scope, { stopTimeoutMs: 60_000 });
    await daemon.client({ namespace: "ns" }).content.openWriter({}, { ref: "r" });
    await daemon[Symbol.asyncDispose]();
  });
});

describe("drivers of one's own", () => {
  const start = async (client: Client, id: string, runtime: { readonly name: string }) => {
    await client.containers.create({}, sleeper(id, runtime));
    return await client.tasks.create({}, id, { ...NULL_STDIO, rootfs: [] });
  };

  test("come before those that are built in, which take the rest", async () => {
    const world = new FakeWorld();
    const ours = { ...fakeDriver(world), matches: (name: string) => name === FAKE_RUNTIME || name === RUNC.name };
    const daemon = await startEmbedded(scope, {}, { drivers: [ours] });
    const client = daemon.client({ namespace: "ns" });
    await start(client, "a", { name: FAKE_RUNTIME });
    await start(client, "b", RUNC);
    expect(world.containers.map(({ id }) => id)).toEqual(["a", "b"]);
    const refused = await failure(start(client, "c", { name: "io.example.nothing.v1" }));
    expect(refused).toMatch(/^unknown: .*"io.example.nothing.v1" binary not installed "containerd-shim-nothing-v1"/);
  });
});

describe("transfers", () => {
  const image = testImage([noiseLayer("one", 2_000_000), noiseLayer("two", 20_000)]);
  async function* inPieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
    // Filled anew for every piece, as a reader of files does.
    const scratch = Buffer.alloc(10_000);
    for (let at = 0; at < bytes.length; at += scratch.length)
      yield scratch.subarray(0, bytes.copy(scratch, 0, at, at + scratch.length));
  }

  test("go over streams of this process, with their news", async () => {
    const client = (await startEmbedded(scope)).client({ namespace: "ns" });
    const news: string[] = [];
    const onProgress = ({ event }: { readonly event: string }) => void news.push(event);
    await client.transfer.import({}, inPieces(ociArchive(image, "example.org/a:1")), { onProgress });
    expect((await client.images.list({})).map(({ target }) => target.digest)).toEqual([image.target.digest]);
    expect([news[0], news.at(-1)]).toEqual(["Importing", "Completed import"]);
    const names = (await client.images.list({})).map(({ name }) => name);
    const chunks: Uint8Array[] = [];
    for await (const chunk of client.transfer.export({}, names)) chunks.push(chunk);
    await client.transfer.import({ namespace: "copy" }, inPieces(Buffer.concat(chunks)));
    expect((await client.images.list({ namespace: "copy" })).map(({ name }) => name)).toEqual(names);
  });

  test("are given up without a rest", async () => {
    const client = (await startEmbedded(scope)).client({ namespace: "ns" });
    const controller = new AbortController();
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield ociArchive(image, "example.org/a:1").subarray(0, 100_000);
      await until("the import to take a lease", async () => (await client.leases.list({})).length > 0);
      controller.abort();
      await new Promise(() => {});
    }
    const importing = client.transfer.import({ signal: controller.signal }, endless());
    expect(await failure(importing)).toBe("cancelled: context canceled");
    await until("the lease to go", async () => (await client.leases.list({})).length === 0);
    expect(await client.images.list({})).toEqual([]);
  });
});

describe.skipIf(NO_RUNC)("tasks", () => {
  let rootfs: string;
  beforeEach(async () => {
    rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
  });

  test("of two daemons in one process run side by side, and those of one outlive it", async () => {
    const namespaces = [freshNamespace(scope), freshNamespace(scope)];
    const daemons = [await startEmbedded(scope), await startEmbedded(scope)];
    const subjects = namespaces.map((namespace, n) => ({ namespace, client: daemons[n]?.client({ namespace }) }));
    const tasks = await Promise.all(
      subjects.map(({ namespace, client }) => {
        if (client === undefined) throw new Error("two daemons were started");
        return launch({ client, namespace, id: "same", rootfs, args: ["sleep", "600"] });
      }),
    );
    const [one, two] = subjects.map(({ client }) => client);
    const { pid = 0 } = (await one?.tasks.get({}, "same", "")) ?? {};
    expect(await failure(two?.tasks.list({ namespace: namespaces[0] ?? "" }) ?? Promise.resolve())).toBe("no error");
    expect(await two?.tasks.list({ namespace: namespaces[0] ?? "" })).toEqual([]);
    void failure(tasks[0]?.exit ?? Promise.resolve());
    await daemons[0]?.[Symbol.asyncDispose]();
    expect(isAlive(pid)).toBe(true);
    await two?.tasks.kill({}, "same", "", KILL);
    expect((await tasks[1]?.remove())?.exitStatus).toBe(137);

    const dir = join(daemons[0]?.rootDir ?? "", "..");
    const next = (await startEmbedded(scope, { dir })).client({ namespace: namespaces[0] ?? "" });
    expect(await next.tasks.get({}, "same", "")).toMatchObject({ status: "running", pid });
    const ended = next.tasks.wait({}, "same", "");
    await next.tasks.kill({}, "same", "", KILL);
    expect((await ended).exitStatus).toBe(137);
    await next.tasks.delete({}, "same");
  });

  test.each([
    ["task", "running"],
    ["daemon", "stopped"],
  ])("of a process that is killed: lifetime %s, found %s by the next one", async (lifetime, status) => {
    const namespace = freshNamespace(scope);
    const dir = await tempDir(scope);
    const program = fileURLToPath(new URL("embedder.ts", import.meta.url));
    const tsx = fileURLToPath(import.meta.resolve("tsx"));
    const embedder = scope.use(
      await startProgram(process.execPath, ["--import", tsx, program, dir, namespace, rootfs, lifetime]),
    );
    await embedder.waitForOutput(/\n/);
    const pid = Number(embedder.stdout());
    embedder.signal("SIGKILL");
    await embedder.result;
    expect(isAlive(pid)).toBe(true);
    const client = (await startEmbedded(scope, { dir })).client({ namespace });
    await until(`the task to be ${status}`, async () => (await client.tasks.get({}, "sleeper", "")).status === status);
    if (status === "running") await client.tasks.kill({}, "sleeper", "", KILL);
    expect((await client.tasks.wait({}, "sleeper", "")).exitStatus).toBe(137);
    await client.tasks.delete({}, "sleeper");
  });
});
