// Clients of May 2017 on a daemon of today: containers and tasks from beginning to end, with real shims and runc. Each fault of that
// version that the API of today would still allow has its test.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { status as Code } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Message, OldClient } from "../helpers/containerd-2017.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { FifoPair } from "../helpers/fifos.js";
import { call, headers, type RawClients, rawClients } from "../helpers/grpc.js";
import { ociProcess, ociSpec } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const lacking = requires.runc();
const [SIGKILL, SIGTERM] = [9, 15];
const FOREVER = ["sleep", "1000"];
/** Type of specs in 2017: their version. */
const SPEC_TYPE = "1.0.0-rc5";

const scope = new DisposeScope();
let dir: string;
let rootfs: string;
let namespace: string;
let config: string;
let daemon: Berthd;
let old: OldClient;
let today: RawClients;

beforeAll(async () => {
  namespace = freshNamespace(scope);
  dir = await tempDir(scope);
  rootfs = await makeRootfs(join(dir, "rootfs"));
  config = `[containerd_2017]\naddress = "${join(dir, "old.sock")}"\nnamespace = "${namespace}"\nsnapshotter = "native"\n`;
  await mkdir(join(dir, "d"));
  daemon = await startBerthd(scope, { dir: join(dir, "d"), config });
  old = scope.use(new OldClient(join(dir, "old.sock")));
  today = scope.use(rawClients(daemon.address));
});
afterAll(() => scope[Symbol.asyncDispose]());

const failure = async (work: Promise<unknown>): Promise<{ code: unknown; details: unknown }> => {
  const error: unknown = await work.then(
    () => expect.fail("it did not fail"),
    (reason: unknown) => reason,
  );
  return error as { code: unknown; details: unknown };
};

const specOf = (id: string, args: readonly string[], terminal = false) => ({
  type_url: SPEC_TYPE,
  value: ociSpec({ args, rootfs: "rootfs", cgroupsPath: `/${namespace}/${id}`, terminal }).value,
});

async function container(id: string, args: readonly string[], terminal = false): Promise<void> {
  await old.containers("Create", { container: { id, runtime: "linux", spec: specOf(id, args, terminal) } });
}

const mounts = () => [{ type: "bind", source: rootfs, target: "/ignored", options: ["rbind", "rw"] }];

async function created(id: string, args: readonly string[], more: Message = {}): Promise<number> {
  await container(id, args, more["terminal"] === true);
  const reply = await old.tasks("Create", { containerId: id, rootfs: mounts(), ...more });
  expect(reply).toEqual({ containerId: id, pid: expect.any(Number) });
  return Number(reply["pid"]);
}

async function running(id: string, args: readonly string[] = FOREVER, more: Message = {}): Promise<number> {
  const pid = await created(id, args, more);
  await old.tasks("Start", { containerId: id });
  return pid;
}

const statusOf = async (id: string): Promise<unknown> =>
  ((await old.tasks("Info", { containerId: id }))["task"] as Message)["status"];

async function ended(id: string): Promise<Message> {
  await until("the task to stop", async () => (await statusOf(id)) === "STOPPED");
  const reply = await old.tasks("Delete", { containerId: id });
  await old.containers("Delete", { id });
  return reply;
}

async function removed(id: string): Promise<void> {
  await old.tasks("Kill", { containerId: id, signal: SIGKILL, all: true });
  await ended(id);
}

describe("containers", () => {
  test("come back as they were made, with the name of the runtime and the type of the spec", async () => {
    const wanted = {
      id: "whole",
      labels: { a: "1", "b.c": "2" },
      image: "docker.io/library/redis:alpine",
      runtime: "linux",
      spec: specOf("whole", FOREVER),
      rootfs: "whole-key",
    };
    expect(await old.containers("Create", { container: wanted })).toMatchObject({ container: wanted });
    expect(await old.containers("Get", { id: "whole" })).toMatchObject({ container: wanted });
    const { container: seen } = await call(today.containers, today.containers.get, { id: "whole" }, headers(namespace));
    expect(seen).toMatchObject({
      runtime: { name: "io.containerd.runc.v2" },
      snapshotter: "native",
      snapshotKey: "whole-key",
    });
    await old.containers("Delete", { id: "whole" });
  });

  test("of other names of runtimes keep them", async () => {
    await old.containers("Create", {
      container: { id: "named", runtime: "io.containerd.runc.v2", spec: specOf("n", []) },
    });
    expect(await old.containers("Get", { id: "named" })).toMatchObject({
      container: { runtime: "io.containerd.runc.v2" },
    });
    await old.containers("Delete", { id: "named" });
  });

  test("without a spec are made and come back without, and nothing crashes", async () => {
    await old.containers("Create", { container: { id: "bare", runtime: "linux" } });
    expect(await old.containers("Get", { id: "bare" })).toMatchObject({ container: { id: "bare", spec: null } });
    const refused = await failure(old.tasks("Create", { containerId: "bare" }));
    expect(refused.code).not.toBe(Code.UNAVAILABLE);
    expect(
      await old.containers("Update", { container: { id: "bare", image: "x" }, updateMask: { paths: ["image"] } }),
    ).toMatchObject({
      container: { image: "x", spec: null },
    });
    await old.containers("Delete", { id: "bare" });
  });

  test("are listed by id, all or those of a filter", async () => {
    for (const id of ["list-b", "list-a"])
      await old.containers("Create", { container: { id, runtime: "linux", labels: { set: "list", [id]: "yes" } } });
    const ids = async (filter: string) =>
      ((await old.containers("List", { filter }))["containers"] as Message[]).map(({ id }) => id);
    expect(await ids("labels.set==list")).toEqual(["list-a", "list-b"]);
    expect(await ids("id==list-b")).toEqual(["list-b"]);
    expect(await ids("")).toEqual(expect.arrayContaining(["list-a", "list-b"]));
    expect(await failure(ids("labels.=="))).toMatchObject({ code: Code.INVALID_ARGUMENT });
    for (const id of ["list-a", "list-b"]) await old.containers("Delete", { id });
  });

  test("that are missing, taken or malformed are told with the words of that time and the right code", async () => {
    const missing = { code: Code.NOT_FOUND, details: "container ID not found" };
    expect(await failure(old.containers("Get", { id: "none" }))).toMatchObject(missing);
    expect(await failure(old.containers("Delete", { id: "none" }))).toMatchObject(missing);
    expect(await failure(old.containers("Update", { container: { id: "none" } }))).toMatchObject(missing);
    await container("taken", FOREVER);
    expect(await failure(container("taken", FOREVER))).toMatchObject({
      code: Code.ALREADY_EXISTS,
      details: "container ID already exists",
    });
    await old.containers("Delete", { id: "taken" });
    for (const request of [{}, { container: { id: "../x", runtime: "linux" } }, { container: { id: "no-runtime" } }])
      expect(await failure(old.containers("Create", request))).toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  describe("updated", () => {
    const before = { labels: { a: "1" }, image: "one", runtime: "linux", rootfs: "key", spec: specOf("u", ["a"]) };
    const after = { labels: { b: "2" }, image: "two", runtime: "other.v1", rootfs: "new", spec: specOf("u", ["b"]) };

    test.each(["labels", "image", "runtime", "rootfs", "spec"] as const)("by %s alone keep all else", async (field) => {
      await old.containers("Create", { container: { id: "u", ...before } });
      const request = { container: { id: "u", ...after }, updateMask: { paths: [field] } };
      const want = { container: { id: "u", ...before, [field]: after[field] } };
      expect(await old.containers("Update", request)).toEqual(want);
      expect(await old.containers("Get", { id: "u" })).toEqual(want);
      await old.containers("Delete", { id: "u" });
    });

    test("without a mask become what was sent", async () => {
      await old.containers("Create", { container: { id: "u", ...before } });
      expect(await old.containers("Update", { container: { id: "u", ...after } })).toEqual({
        container: { id: "u", ...after },
      });
      await old.containers("Delete", { id: "u" });
    });

    test("by one label", async () => {
      await old.containers("Create", { container: { id: "u", ...before } });
      const request = { container: { id: "u", labels: { x: "y", z: "z" } }, updateMask: { paths: ["labels.x"] } };
      expect(await old.containers("Update", request)).toMatchObject({
        container: { labels: { a: "1", x: "y" }, image: "one" },
      });
      await old.containers("Delete", { id: "u" });
    });

    test.each(["id", "snapshotkey", "Labels", ""])("by %j are left alone", async (path) => {
      await old.containers("Create", { container: { id: "u", ...before } });
      const request = { container: { id: "u", ...after }, updateMask: { paths: ["image", path] } };
      expect(await failure(old.containers("Update", request))).toMatchObject({
        code: Code.INVALID_ARGUMENT,
        details: `cannot update ${JSON.stringify(path)} field`,
      });
      expect(await old.containers("Get", { id: "u" })).toEqual({ container: { id: "u", ...before } });
      await old.containers("Delete", { id: "u" });
    });
  });
});

describe.skipIf(lacking)("tasks", () => {
  test("live from create to delete, with their events in order", async () => {
    using events = await old.events();
    const pid = await created("life", ["sh", "-c", "exit 7"]);
    const spec = specOf("life", ["sh", "-c", "exit 7"]);
    const task = { id: "life", containerId: "life", pid, status: "CREATED", spec };
    expect(await old.tasks("Info", { containerId: "life" })).toEqual({ task });
    expect((await old.tasks("List", {}))["tasks"]).toContainEqual(task);
    expect(await old.tasks("Start", { containerId: "life" })).toEqual({});
    await until("the exit", () => events.of("life").length === 3);
    expect(events.of("life")).toEqual([`CREATE ${pid}`, `START ${pid}`, `EXIT ${pid}`]);
    expect(await statusOf("life")).toBe("STOPPED");
    const deleted = await ended("life");
    expect(deleted).toMatchObject({ containerId: "life", exitStatus: 7 });
    const exit = events.seen.find((event) => event["id"] === "life" && event["type"] === "EXIT");
    expect(exit).toMatchObject({ exitStatus: 7, exitedAt: deleted["exitedAt"] });
    expect(Number((deleted["exitedAt"] as Message)["seconds"])).toBeGreaterThan(1_500_000_000);
    expect(events.of("life")).toHaveLength(3);
  });

  test("have execs, which are named by their pids from first to last", async () => {
    using events = await old.events();
    const init = await running("execs");
    await using pair = await FifoPair.make(dir);
    const { stdin, stdout, stderr } = pair.stdio;
    const spec = { type_url: SPEC_TYPE, value: ociProcess(["cat"], true).value };
    const { pid } = await old.tasks("Exec", { containerId: "execs", terminal: false, stdin, stdout, stderr, spec });
    expect(pid).not.toBe(init);
    const { processes } = await old.tasks("Processes", { containerId: "execs" });
    expect((processes as Message[]).map((each) => each["pid"]).sort()).toEqual([init, pid].sort());
    pair.write("through\n");
    await until("the echo", () => pair.text() === "through\n");
    expect(await old.tasks("CloseStdin", { containerId: "execs", pid })).toEqual({});
    pair.endInput();
    await until("the exec's end", () => events.of("execs").includes(`EXIT ${pid}`));
    expect(events.of("execs")).toEqual([`CREATE ${init}`, `START ${init}`, `EXEC_ADDED ${pid}`, `EXIT ${pid}`]);
    expect(await failure(old.tasks("CloseStdin", { containerId: "execs", pid }))).toMatchObject({
      code: Code.NOT_FOUND,
      details: `process does not exist ${pid}`,
    });
    expect(await statusOf("execs")).toBe("RUNNING");
    await removed("execs");
  });

  test("are signalled by pid, as a whole, or by their init process alone", async () => {
    using events = await old.events();
    const script = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    await using output = await FifoPair.make(dir);
    const init = await running("kill", ["sh", "-c", script], { ...output.stdio });
    await until("the trap", () => output.text().includes("ready"));
    const exec = async (): Promise<number> => {
      const { pid } = await old.tasks("Exec", { containerId: "kill", spec: ociProcess(FOREVER) });
      return Number(pid);
    };
    const exitOf = (pid: number) => events.seen.find((event) => event["type"] === "EXIT" && event["pid"] === pid);
    const [first, second] = [await exec(), await exec()];
    await old.tasks("Kill", { containerId: "kill", signal: SIGKILL, pid: first });
    expect(await until("the first one's end", () => exitOf(first))).toMatchObject({ id: "kill", exitStatus: 137 });
    expect(exitOf(second)).toBeUndefined();
    expect(await failure(old.tasks("Kill", { containerId: "kill", signal: SIGTERM, pid: 999_999_999 }))).toMatchObject({
      code: Code.NOT_FOUND,
      details: "process 999999999 does not exist in container",
    });
    expect(await failure(old.tasks("Kill", { containerId: "kill", signal: SIGTERM }))).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: "invalid option specified; expected pid or all",
    });
    // `all: false` is the init process, which handles the signal; the exec would not.
    await old.tasks("Kill", { containerId: "kill", signal: SIGTERM, all: false });
    expect(await until("the init's end", () => exitOf(init))).toMatchObject({ exitStatus: 3 });
    expect(await ended("kill")).toMatchObject({ exitStatus: 3 });
  });

  test("end by pid 0 and by the init's pid", async () => {
    for (const id of ["zero", "init"]) {
      const init = await running(id);
      await old.tasks("Kill", { containerId: id, signal: SIGKILL, pid: id === "zero" ? 0 : init });
      expect(await ended(id)).toMatchObject({ containerId: id, exitStatus: 137 });
    }
  });

  test("do not pass on signals for what a container started by itself", async () => {
    const init = await running("own", ["sh", "-c", "sleep 1000 & wait"]);
    const child = await until("the child", async () => {
      const { processes } = await old.tasks("Processes", { containerId: "own" });
      return (processes as Message[]).map((each) => Number(each["pid"])).find((pid) => pid !== init);
    });
    expect(await failure(old.tasks("Kill", { containerId: "own", signal: SIGKILL, pid: child }))).toMatchObject({
      code: Code.FAILED_PRECONDITION,
    });
    await removed("own");
  });

  test("have terminals of the size asked for", async () => {
    await using pair = await FifoPair.make(dir);
    const stdio = { stdin: pair.stdio.stdin, stdout: pair.stdio.stdout, stderr: "", terminal: true };
    const pid = await running("pty", ["sh"], stdio);
    expect(await old.tasks("Pty", { containerId: "pty", pid, width: 91, height: 37 })).toEqual({});
    pair.write("stty size\n");
    await until("the size", () => pair.text().includes("37 91"));
    expect(await failure(old.tasks("Pty", { containerId: "pty", width: 1, height: 1 }))).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: "pid not provided in request",
    });
    expect(
      await failure(old.tasks("Pty", { containerId: "pty", pid: 999_999_999, width: 1, height: 1 })),
    ).toMatchObject({
      code: Code.NOT_FOUND,
      details: "process does not exist 999999999",
    });
    await removed("pty");
  });

  test("pause and resume", async () => {
    using events = await old.events();
    await running("pause");
    await old.tasks("Pause", { containerId: "pause" });
    expect(await statusOf("pause")).toBe("PAUSED");
    await old.tasks("Resume", { containerId: "pause" });
    expect(await statusOf("pause")).toBe("RUNNING");
    await until("the event", () => events.of("pause").includes("PAUSED 0"));
    await removed("pause");
    expect(events.of("pause").map((each) => each.split(" ")[0])).toEqual(["CREATE", "START", "PAUSED", "EXIT"]);
  });

  test("tell what criu says when it cannot checkpoint, and go on", async () => {
    await running("criu");
    const refused = await failure(old.tasks("Checkpoint", { containerId: "criu", exit: true, allowTcp: true }));
    expect(refused).toMatchObject({ code: Code.UNKNOWN, details: expect.stringMatching(/criu/i) });
    expect(await failure(old.tasks("Checkpoint", { containerId: "criu", parentCheckpoint: "sha256:0" }))).toMatchObject(
      {
        code: Code.UNIMPLEMENTED,
      },
    );
    expect(await statusOf("criu")).toBe("RUNNING");
    await removed("criu");
  });

  test("refuse checkpoints of other kinds to start from", async () => {
    await container("restore", FOREVER);
    const from = (mediaType: string) => old.tasks("Create", { containerId: "restore", checkpoint: { mediaType } });
    expect(await failure(from("text/plain"))).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: 'unsupported checkpoint type "text/plain"',
    });
    expect(await failure(from("application/vnd.containerd.container.criu.checkpoint.criu.tar"))).toMatchObject({
      code: Code.UNIMPLEMENTED,
    });
    await old.containers("Delete", { id: "restore" });
  });

  test("that are missing or there already are told with the words of that time and the right code", async () => {
    expect(await failure(old.tasks("Create", { containerId: "none" }))).toMatchObject({
      code: Code.NOT_FOUND,
      details: "container ID not found",
    });
    await container("idle", FOREVER);
    const missing = { code: Code.NOT_FOUND, details: "container does not exist" };
    for (const verb of ["Start", "Delete", "Info", "Pause", "Resume", "Processes", "Checkpoint"])
      expect(await failure(old.tasks(verb, { containerId: "idle" }))).toMatchObject(missing);
    expect(await failure(old.tasks("Kill", { containerId: "idle", all: true, signal: SIGKILL }))).toMatchObject(
      missing,
    );
    expect(await failure(old.tasks("CloseStdin", { containerId: "idle", pid: 1 }))).toMatchObject(missing);
    expect(await failure(old.tasks("Exec", { containerId: "idle", spec: ociProcess(FOREVER) }))).toMatchObject(missing);
    await old.containers("Delete", { id: "idle" });
    await running("twice");
    expect(await failure(old.tasks("Create", { containerId: "twice", rootfs: mounts() }))).toMatchObject({
      code: Code.ALREADY_EXISTS,
      details: "container with id already exists",
    });
    const change = { container: { id: "twice", runtime: "other.v1" }, updateMask: { paths: ["runtime"] } };
    expect(await failure(old.containers("Update", change))).toMatchObject({ code: Code.FAILED_PRECONDITION });
    await removed("twice");
  });

  test.each<[string, Message | undefined]>([
    ["none", undefined],
    ["an empty one", { type_url: "", value: Buffer.alloc(0) }],
    ["no JSON", { type_url: "", value: Buffer.from("{") }],
    ["no process", { type_url: "", value: Buffer.from("[]") }],
    ["one without arguments", { type_url: "", value: Buffer.from('{"cwd":"/"}') }],
  ])("refuse to exec with %s for a spec", async (_, spec) => {
    expect(await failure(old.tasks("Exec", { containerId: "any", ...(spec && { spec }) }))).toMatchObject({
      code: Code.INVALID_ARGUMENT,
    });
  });

  test("and their execs are as they were when the daemon comes back", async () => {
    const init = await running("stays");
    const { pid } = await old.tasks("Exec", { containerId: "stays", spec: ociProcess(FOREVER) });
    await daemon.stop();
    daemon = await daemon.restart();
    using again = new OldClient(join(dir, "old.sock"));
    using events = await again.events();
    expect(await again.tasks("Info", { containerId: "stays" })).toMatchObject({
      task: { pid: init, status: "RUNNING" },
    });
    await again.tasks("Kill", { containerId: "stays", signal: SIGKILL, pid });
    await until("the exec's end", () => events.of("stays").includes(`EXIT ${pid}`));
    await removed("stays");
  });
});

describe("the server", () => {
  test("serves another namespace to whoever names one", async () => {
    const other = freshNamespace(scope);
    using elsewhere = new OldClient(join(dir, "old.sock"), other);
    await elsewhere.containers("Create", { container: { id: "there", runtime: "linux" } });
    expect(await failure(old.containers("Get", { id: "there" }))).toMatchObject({ code: Code.NOT_FOUND });
    expect(await call(today.containers, today.containers.get, { id: "there" }, headers(other))).toMatchObject({
      container: { id: "there" },
    });
    await elsewhere.containers("Delete", { id: "there" });
    using bad = new OldClient(join(dir, "old.sock"), "a/b");
    expect(await failure(bad.containers("List", {}))).toMatchObject({ code: Code.INVALID_ARGUMENT });
  });

  test("does not serve this API beside today's", async () => {
    using wrong = new OldClient(daemon.address);
    expect(await failure(wrong.containers("List", {}))).toMatchObject({ code: Code.UNIMPLEMENTED });
  });
});
