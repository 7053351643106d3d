// The daemon's life: how it starts, stops, comes back, and what it refuses. Each test has a daemon of its own.
import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { status as Code, Metadata } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { anyOfMessage } from "../../api/core/typeurl.js";
import { TaskStart } from "../../api/gen/events/task.js";
import { Any } from "../../api/gen/google/protobuf/any.js";
import { Container } from "../../api/gen/services/containers/v1/containers.js";
import { CreateTaskRequest } from "../../api/gen/services/tasks/v1/tasks.js";
import type { Envelope } from "../../api/gen/types/event.js";
import { anyOfJson, connect, createDaemon, isNotFound, SPEC_TYPE } from "../../services/index.js";
import { runBerthd, startBerthd } from "../helpers/daemon.js";
import { call, headers, rawClients } from "../helpers/grpc.js";
import { ociSpec } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const NO_RUNC = requires.root() || requires.binary("runc") || requires.binary("containerd-shim-runc-v2");

let scope: DisposeScope;
beforeEach(() => {
  scope = new DisposeScope();
});
afterEach(() => scope[Symbol.asyncDispose]());

const clientsOf = (address: string) => scope.use(rawClients(address));

const gone = (path: string): Promise<boolean> =>
  stat(path).then(
    () => false,
    () => true,
  );

async function uuidOf(address: string): Promise<string> {
  const { introspection } = clientsOf(address);
  return (await call(introspection, introspection.server, {}, new Metadata())).uuid;
}

async function startSleeper(address: string, namespace: string, id: string): Promise<number> {
  const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
  const { containers, tasks } = clientsOf(address);
  const spec = ociSpec({ args: ["sleep", "600"], rootfs, cgroupsPath: `/${namespace}/${id}` });
  const container = Container.fromPartial({ id, runtime: { name: "io.containerd.runc.v2" }, spec });
  await call(containers, containers.create, { container }, headers(namespace));
  const { pid } = await call(
    tasks,
    tasks.create,
    CreateTaskRequest.fromPartial({ containerId: id }),
    headers(namespace),
  );
  await call(tasks, tasks.start, { containerId: id, execId: "" }, headers(namespace));
  return pid;
}

describe("stopping", () => {
  test.each(["SIGTERM", "SIGINT"] as const)("%s ends it cleanly and removes its sockets", async (signal) => {
    const daemon = await startBerthd(scope);
    process.kill(daemon.pid, signal);
    const { code } = await daemon.ended;
    expect(code).toBe(0);
    expect(await gone(daemon.address)).toBe(true);
    expect(await gone(daemon.ttrpcAddress)).toBe(true);
  });

  test("ends subscriptions with UNAVAILABLE, so that clients come back", async () => {
    const daemon = await startBerthd(scope);
    const stream = clientsOf(daemon.address).events.subscribe({ filters: [] });
    const failed = stream.toArray().catch((error: { code: number }) => error.code);
    await new Promise((resolve) => stream.once("metadata", resolve));
    await daemon.stop();
    expect(await failed).toBe(Code.UNAVAILABLE);
  });

  test.skipIf(NO_RUNC)("leaves tasks running; the next daemon knows them", async () => {
    const namespace = freshNamespace(scope);
    const first = await startBerthd(scope);
    const pid = await startSleeper(first.address, namespace, "sleeper");
    const waiting = (async () => {
      const { tasks } = clientsOf(first.address);
      return await call(tasks, tasks.wait, { containerId: "sleeper", execId: "" }, headers(namespace));
    })().catch((error: { code: number }) => error.code);
    const uuid = await uuidOf(first.address);
    expect((await first.stop()).code).toBe(0);
    expect(await waiting).toBe(Code.UNAVAILABLE);
    expect(() => process.kill(pid, 0)).not.toThrow();

    const second = await first.restart();
    expect(await uuidOf(second.address)).toBe(uuid);
    const { tasks } = clientsOf(second.address);
    const { process: state } = await call(tasks, tasks.get, { containerId: "sleeper", execId: "" }, headers(namespace));
    expect(state).toMatchObject({ id: "sleeper", containerId: "", pid, status: 2 });
    const ended = call(tasks, tasks.wait, { containerId: "sleeper", execId: "" }, headers(namespace));
    const kill = { containerId: "sleeper", execId: "", signal: 9, all: false };
    await call(tasks, tasks.kill, kill, headers(namespace));
    expect((await ended).exitStatus).toBe(137);
    const deleted = await call(tasks, tasks.delete, { containerId: "sleeper" }, headers(namespace));
    expect(deleted).toMatchObject({ id: "", pid, exitStatus: 137 });
  });
});

describe("starting", () => {
  test("replaces the sockets of a daemon that was killed", async () => {
    const first = await startBerthd(scope);
    await first.kill();
    expect(await gone(first.address)).toBe(false);
    const second = await first.restart();
    expect(await uuidOf(second.address)).not.toBe("");
  });

  test("leaves a live daemon alone", async () => {
    const daemon = await startBerthd(scope);
    const dir = await tempDir(scope);
    const args = ["--root", join(dir, "root"), "--state", join(dir, "state"), "--address", daemon.address];
    const second = await runBerthd(args);
    expect(second.code).toBe(1);
    expect(second.stderr).toBe(`berthd: another server is listening on ${daemon.address}\n`);
    expect(await uuidOf(daemon.address)).not.toBe("");
  });

  test("leaves a folder that is in use alone, and names its owner", async () => {
    const daemon = await startBerthd(scope);
    const dir = await tempDir(scope);
    const args = ["--root", daemon.rootDir, "--state", join(dir, "state"), "--address", join(dir, "b.sock")];
    const second = await runBerthd(args);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain(String(daemon.pid));
  });

  test("leaves a state folder that is in use alone, and names its owner", async () => {
    const daemon = await startBerthd(scope);
    const dir = await tempDir(scope);
    const args = ["--root", join(dir, "root"), "--state", daemon.stateDir, "--address", join(dir, "b.sock")];
    const second = await runBerthd(args);
    expect(second.code).toBe(1);
    expect(second.stderr).toMatch(/^berthd: state folder .* is in use by process \d+: failed precondition\n$/);
    expect(second.stderr).toContain(`process ${daemon.pid}:`);
  });

  test.each([
    ["an unknown flag", ["--colour"], /unknown option '--colour'/],
    ["an unknown command", ["stay"], /too many arguments/],
    ["a bad level", ["--log-level", "loud"], /^berthd: settings: logLevel: /],
    ["a relative folder", ["--root", "x"], /^berthd: settings: root: must be an absolute path\n$/],
    ["a missing config file", ["--config", "/nope.toml"], /^berthd: cannot read config file \/nope.toml: /],
    [
      "a socket path that is too long",
      ["--address", `/${"x".repeat(110)}`],
      /address: must be a path of at most 101 bytes/,
    ],
  ])("refuses %s with status 2 and one line", async (_, args, message) => {
    const { code, stderr } = await runBerthd(args);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("refuses a setting it does not know", async () => {
    const file = join(await tempDir(scope), "berthd.toml");
    await writeFile(file, 'rot = "/x"\n');
    const { code, stderr } = await runBerthd(["--config", file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/unknown setting rot; known are root, state/);
  });
});

describe("in one process", () => {
  test("two daemons serve side by side, each its own store", async () => {
    const dirs = [await tempDir(scope), await tempDir(scope)];
    const addresses = dirs.map((dir) => join(dir, "b.sock"));
    const daemons = await Promise.all(
      dirs.map((dir) =>
        createDaemon({ root: join(dir, "root"), state: join(dir, "state"), address: join(dir, "b.sock") }),
      ),
    );
    for (const daemon of daemons) scope.use(daemon);
    const [one, two] = addresses.map((address) => clientsOf(address).namespaces);
    if (one === undefined || two === undefined) throw new Error("two daemons were started");
    await call(one, one.create, { namespace: { name: "only-here", labels: new Map() } }, new Metadata());
    expect((await call(one, one.list, { filter: "" }, new Metadata())).namespaces).toHaveLength(1);
    expect((await call(two, two.list, { filter: "" }, new Metadata())).namespaces).toHaveLength(0);
    await daemons[0]?.[Symbol.asyncDispose]();
    expect(await gone(addresses[0] ?? "")).toBe(true);
    expect((await call(two, two.list, { filter: "" }, new Metadata())).namespaces).toHaveLength(0);
  });

  test("the library runs a daemon and talks to it through one door", async () => {
    const dir = await tempDir(scope);
    const address = join(dir, "b.sock");
    const daemon = scope.use(await createDaemon({ root: join(dir, "root"), state: join(dir, "state"), address }));
    const client = scope.use(connect({ address, namespace: "embedded" }));
    const spec = anyOfJson(SPEC_TYPE, { ociVersion: "1.0.2" });
    await client.containers.create({}, { id: "web", runtime: { name: "io.containerd.runc.v2" }, spec });
    expect(await client.containers.get({}, "web")).toMatchObject({ id: "web", spec });
    const missing = client.containers.get({}, "nope").then(
      () => false,
      (error: unknown) => isNotFound(error),
    );
    expect(await missing).toBe(true);
    expect(await client.version()).toMatchObject({ version: daemon.version });
  });

  test("a daemon that cannot start lets go of everything", async () => {
    const dir = await tempDir(scope);
    const options = { root: join(dir, "root"), state: join(dir, "state") };
    const taken = join(dir, "taken.sock");
    await mkdir(taken);
    await expect(createDaemon({ ...options, address: taken })).rejects.toThrow(/exists and is not a socket/);
    const daemon = await createDaemon({ ...options, address: join(dir, "b.sock") });
    await daemon[Symbol.asyncDispose]();
    await daemon[Symbol.asyncDispose]();
  });
});

describe("publish", () => {
  const payload = anyOfMessage(
    "containerd.events.TaskStart",
    TaskStart,
    TaskStart.fromPartial({ containerId: "web", pid: 7 }),
  );
  const input = Buffer.from(Any.encode(payload).finish()).toString("latin1");

  test("sends an event from standard input", async () => {
    const daemon = await startBerthd(scope);
    const stream = clientsOf(daemon.address).events.subscribe({ filters: ['topic=="/tasks/start"'] });
    stream.on("error", () => {});
    await new Promise((resolve) => stream.once("metadata", resolve));
    const received = new Promise<Envelope>((resolve) => stream.once("data", resolve));
    const args = ["--address", daemon.address, "publish", "--topic", "/tasks/start", "--namespace", "n1"];
    expect(await runBerthd(args, { input })).toMatchObject({ code: 0, stdout: "", stderr: "" });
    expect(await received).toMatchObject({ namespace: "n1", topic: "/tasks/start", event: payload });
    stream.cancel();
  });

  test.each([
    ["no topic", ["publish", "--topic", "", "--namespace", "n1"], /topic required to publish event/, 2],
    ["a bad topic", ["publish", "--topic", "x", "--namespace", "n1"], /envelope topic "x": must start with '\/': /, 2],
    ["no namespace", ["publish", "--topic", "/x"], /required option '--namespace <namespace>' not specified/, 2],
  ])("with %s fails in one line", async (_, args, message, status) => {
    const daemon = await startBerthd(scope);
    const { code, stderr } = await runBerthd(["--address", daemon.address, ...args], { input });
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect(code).toBe(status);
  });

  test("without a daemon fails soon", async () => {
    const args = ["--address", "/nope/b.sock", "publish", "--topic", "/x", "--namespace", "n1"];
    const { code, stderr } = await runBerthd(args, { input });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^berthd: .*\/nope\/b.sock/);
  });
});
