// Tasks of May 2017 on a daemon of today, from beginning to end, by a client of that time, with real shims and runc. Each fault of that
// version has its test.
import { cp } from "node:fs/promises";
import { status as Code } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../api/client/connect.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { isNotFound } from "../../api/core/errors.js";
import { TaskExecStarted } from "../../api/gen/events/task.js";
import type { Envelope } from "../../api/gen/types/event.js";
import { type Message, OldClient } from "../helpers/containerd-2017.js";
import { FOREVER, failure, OldWorld, SIGKILL, SIGTERM, SPEC_TYPE } from "../helpers/containerd-2017-world.js";
import { FifoPair } from "../helpers/fifos.js";
import { call, headers } from "../helpers/grpc.js";
import { ociProcess } from "../helpers/oci-spec.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const lacking = requires.runc();
const scope = new DisposeScope();
let world: OldWorld;

beforeAll(async () => {
  world = await OldWorld.start(scope);
});
afterAll(() => scope[Symbol.asyncDispose]());

describe.skipIf(lacking)("tasks", () => {
  test("live from create to delete, with their events in order", async () => {
    using events = await world.old.events();
    const pid = await world.created("life", ["sh", "-c", "exit 7"]);
    const spec = world.spec("life", ["sh", "-c", "exit 7"]);
    const task = { id: "life", containerId: "life", pid, status: "CREATED", spec };
    expect(await world.old.tasks("Info", { containerId: "life" })).toEqual({ task });
    expect((await world.old.tasks("List", {}))["tasks"]).toContainEqual(task);
    expect(await world.old.tasks("Start", { containerId: "life" })).toEqual({});
    await until("the exit", () => events.of("life").length === 3);
    expect(events.of("life")).toEqual([`CREATE ${pid}`, `START ${pid}`, `EXIT ${pid}`]);
    expect(await world.status("life")).toBe("STOPPED");
    const deleted = await world.ended("life");
    expect(deleted).toMatchObject({ containerId: "life", exitStatus: 7 });
    const exit = events.seen.find((event) => event["id"] === "life" && event["type"] === "EXIT");
    expect(exit).toMatchObject({ exitStatus: 7, exitedAt: deleted["exitedAt"] });
    expect(Number((deleted["exitedAt"] as Message)["seconds"])).toBeGreaterThan(1_500_000_000);
    expect(events.of("life")).toHaveLength(3);
  });

  test("have execs, which are named by their pids from first to last", async () => {
    using events = await world.old.events();
    const init = await world.running("execs");
    await using pair = await FifoPair.make(world.dir);
    const { stdin, stdout, stderr } = pair.stdio;
    const spec = { type_url: SPEC_TYPE, value: ociProcess(["cat"], true).value };
    const { pid } = await world.old.tasks("Exec", {
      containerId: "execs",
      terminal: false,
      stdin,
      stdout,
      stderr,
      spec,
    });
    expect(pid).not.toBe(init);
    const { processes } = await world.old.tasks("Processes", { containerId: "execs" });
    expect((processes as Message[]).map((each) => each["pid"]).sort()).toEqual([init, pid].sort());
    pair.write("through\n");
    await until("the echo", () => pair.text() === "through\n");
    expect(await world.old.tasks("CloseStdin", { containerId: "execs", pid })).toEqual({});
    pair.endInput();
    await until("the exec's end", () => events.of("execs").includes(`EXIT ${pid}`));
    expect(events.of("execs")).toEqual([`CREATE ${init}`, `START ${init}`, `EXEC_ADDED ${pid}`, `EXIT ${pid}`]);
    expect(await failure(world.old.tasks("CloseStdin", { containerId: "execs", pid }))).toMatchObject({
      code: Code.NOT_FOUND,
      details: `process does not exist ${pid}`,
    });
    expect(await world.status("execs")).toBe("RUNNING");
    await world.removed("execs");
  });

  test("keep nothing of an exec that has ended", async () => {
    const stream = world.today.events.subscribe({
      filters: [`namespace==${world.namespace},topic=="/tasks/exec-started"`],
    });
    const started = new Promise<Envelope>((resolve) => stream.once("data", resolve));
    stream.on("error", () => {});
    await new Promise((resolve) => stream.once("metadata", resolve));
    await world.running("forget");
    await world.old.tasks("Exec", { containerId: "forget", spec: ociProcess(["true"]) });
    const { execId } = TaskExecStarted.decode((await started).event?.value ?? Buffer.alloc(0));
    stream.cancel();
    await until("the exec to be gone", async () => {
      const { tasks } = world.today;
      const gone = call(tasks, tasks.get, { containerId: "forget", execId }, headers(world.namespace));
      return await gone.then(
        () => false,
        (error: { code: unknown }) => error.code === Code.NOT_FOUND,
      );
    });
    await world.removed("forget");
  });

  test("are signalled by pid, as a whole, or by their init process alone", async () => {
    using events = await world.old.events();
    const script = "trap 'exit 3' TERM; echo ready; while :; do sleep 0.05; done";
    await using output = await FifoPair.make(world.dir);
    const init = await world.running("kill", ["sh", "-c", script], { ...output.stdio });
    await until("the trap", () => output.text().includes("ready"));
    const exec = async (): Promise<number> => {
      const { pid } = await world.old.tasks("Exec", { containerId: "kill", spec: ociProcess(FOREVER) });
      return Number(pid);
    };
    const exitOf = (pid: number) => events.seen.find((event) => event["type"] === "EXIT" && event["pid"] === pid);
    const [first, second] = [await exec(), await exec()];
    await world.old.tasks("Kill", { containerId: "kill", signal: SIGKILL, pid: first });
    expect(await until("the first one's end", () => exitOf(first))).toMatchObject({ id: "kill", exitStatus: 137 });
    expect(exitOf(second)).toBeUndefined();
    expect(
      await failure(world.old.tasks("Kill", { containerId: "kill", signal: SIGTERM, pid: 999_999_999 })),
    ).toMatchObject({
      code: Code.NOT_FOUND,
      details: "process 999999999 does not exist in container",
    });
    expect(await failure(world.old.tasks("Kill", { containerId: "kill", signal: SIGTERM }))).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: "invalid option specified; expected pid or all",
    });
    // `all: false` is the init process, which handles the signal; the exec would not.
    await world.old.tasks("Kill", { containerId: "kill", signal: SIGTERM, all: false });
    expect(await until("the init's end", () => exitOf(init))).toMatchObject({ exitStatus: 3 });
    // The other exec went with the container; the signal itself it was not sent, which would be 143.
    expect(await until("the second one's end", () => exitOf(second))).toMatchObject({ exitStatus: 137 });
    expect(await world.ended("kill")).toMatchObject({ exitStatus: 3 });
  });

  test("run from the snapshot that their container names, which the collector leaves alone", async () => {
    const client = scope.use(connect({ address: world.daemon.address, namespace: world.namespace }));
    const native = client.snapshots.get("native");
    const spec = world.spec("snap", ["cat", "/etc/passwd"]);
    await world.old.containers("Create", { container: { id: "snap", runtime: "linux", rootfs: "root-of-it", spec } });
    const filled = await native.prepare({}, "root-of-it");
    await cp(world.rootfs, filled[0]?.source ?? "", { recursive: true, verbatimSymlinks: true });
    await client.collector.collect();
    const mounts = await native.mounts({}, "root-of-it");
    await world.old.tasks("Create", { containerId: "snap", rootfs: mounts });
    await world.old.tasks("Start", { containerId: "snap" });
    expect(await world.ended("snap")).toMatchObject({ exitStatus: 0 });
    // Nothing keeps it any more, so the collector may have been here first.
    await native.remove({}, "root-of-it").catch((error: unknown) => expect(isNotFound(error)).toBe(true));
  });

  test("end by pid 0 and by the init's pid", async () => {
    for (const id of ["zero", "init"]) {
      const init = await world.running(id);
      await world.old.tasks("Kill", { containerId: id, signal: SIGKILL, pid: id === "zero" ? 0 : init });
      expect(await world.ended(id)).toMatchObject({ containerId: id, exitStatus: 137 });
    }
  });

  test("do not pass on signals for what a container started by itself", async () => {
    const init = await world.running("own", ["sh", "-c", "sleep 1000 & wait"]);
    const child = await until("the child", async () => {
      const { processes } = await world.old.tasks("Processes", { containerId: "own" });
      return (processes as Message[]).map((each) => Number(each["pid"])).find((pid) => pid !== init);
    });
    expect(await failure(world.old.tasks("Kill", { containerId: "own", signal: SIGKILL, pid: child }))).toMatchObject({
      code: Code.FAILED_PRECONDITION,
    });
    await world.removed("own");
  });

  test("have terminals of the size asked for", async () => {
    await using pair = await FifoPair.make(world.dir);
    const stdio = { stdin: pair.stdio.stdin, stdout: pair.stdio.stdout, stderr: "", terminal: true };
    const pid = await world.running("pty", ["sh"], stdio);
    expect(await world.old.tasks("Pty", { containerId: "pty", pid, width: 91, height: 37 })).toEqual({});
    pair.write("stty size\n");
    await until("the size", () => pair.text().includes("37 91"));
    expect(await failure(world.old.tasks("Pty", { containerId: "pty", width: 1, height: 1 }))).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: "pid not provided in request",
    });
    expect(
      await failure(world.old.tasks("Pty", { containerId: "pty", pid: 999_999_999, width: 1, height: 1 })),
    ).toMatchObject({
      code: Code.NOT_FOUND,
      details: "process does not exist 999999999",
    });
    await world.removed("pty");
  });

  test("pause and resume", async () => {
    using events = await world.old.events();
    await world.running("pause");
    await world.old.tasks("Pause", { containerId: "pause" });
    expect(await world.status("pause")).toBe("PAUSED");
    await world.old.tasks("Resume", { containerId: "pause" });
    expect(await world.status("pause")).toBe("RUNNING");
    await until("the event", () => events.of("pause").includes("PAUSED 0"));
    await world.removed("pause");
    expect(events.of("pause").map((each) => each.split(" ")[0])).toEqual(["CREATE", "START", "PAUSED", "EXIT"]);
  });

  test("tell what criu says when it cannot checkpoint, and go on", async () => {
    await world.running("criu");
    const refused = await failure(world.old.tasks("Checkpoint", { containerId: "criu", exit: true, allowTcp: true }));
    expect(refused).toMatchObject({ code: Code.UNKNOWN, details: expect.stringMatching(/criu/i) });
    expect(
      await failure(world.old.tasks("Checkpoint", { containerId: "criu", parentCheckpoint: "sha256:0" })),
    ).toMatchObject({
      code: Code.UNIMPLEMENTED,
    });
    expect(await world.status("criu")).toBe("RUNNING");
    await world.removed("criu");
  });

  test("refuse checkpoints of other kinds to start from", async () => {
    await world.container("restore", FOREVER);
    const from = (mediaType: string) =>
      world.old.tasks("Create", { containerId: "restore", checkpoint: { mediaType } });
    expect(await failure(from("text/plain"))).toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: 'unsupported checkpoint type "text/plain"',
    });
    expect(await failure(from("application/vnd.containerd.container.criu.checkpoint.criu.tar"))).toMatchObject({
      code: Code.UNIMPLEMENTED,
    });
    await world.old.containers("Delete", { id: "restore" });
  });

  test("that are missing or there already are told with the words of that time and the right code", async () => {
    expect(await failure(world.old.tasks("Create", { containerId: "none" }))).toMatchObject({
      code: Code.NOT_FOUND,
      details: "container ID not found",
    });
    await world.container("idle", FOREVER);
    const missing = { code: Code.NOT_FOUND, details: "container does not exist" };
    for (const verb of ["Start", "Delete", "Info", "Pause", "Resume", "Processes", "Checkpoint"])
      expect(await failure(world.old.tasks(verb, { containerId: "idle" }))).toMatchObject(missing);
    expect(await failure(world.old.tasks("Kill", { containerId: "idle", all: true, signal: SIGKILL }))).toMatchObject(
      missing,
    );
    expect(await failure(world.old.tasks("CloseStdin", { containerId: "idle", pid: 1 }))).toMatchObject(missing);
    expect(await failure(world.old.tasks("Exec", { containerId: "idle", spec: ociProcess(FOREVER) }))).toMatchObject(
      missing,
    );
    await world.old.containers("Delete", { id: "idle" });
    await world.running("twice");
    expect(await failure(world.old.tasks("Create", { containerId: "twice", rootfs: world.mounts() }))).toMatchObject({
      code: Code.ALREADY_EXISTS,
      details: "container with id already exists",
    });
    const change = { container: { id: "twice", runtime: "other.v1" }, updateMask: { paths: ["runtime"] } };
    expect(await failure(world.old.containers("Update", change))).toMatchObject({ code: Code.FAILED_PRECONDITION });
    await world.removed("twice");
  });

  test.each<[string, Message | undefined]>([
    ["none", undefined],
    ["an empty one", { type_url: "", value: Buffer.alloc(0) }],
    ["no JSON", { type_url: "", value: Buffer.from("{") }],
    ["no process", { type_url: "", value: Buffer.from("[]") }],
    ["one without arguments", { type_url: "", value: Buffer.from('{"cwd":"/"}') }],
  ])("refuse to exec with %s for a spec", async (_, spec) => {
    expect(await failure(world.old.tasks("Exec", { containerId: "any", ...(spec && { spec }) }))).toMatchObject({
      code: Code.INVALID_ARGUMENT,
    });
  });

  test("and their execs are as they were when the daemon comes back", async () => {
    const init = await world.running("stays");
    const { pid } = await world.old.tasks("Exec", { containerId: "stays", spec: ociProcess(FOREVER) });
    await world.daemon.stop();
    world.daemon = await world.daemon.restart();
    using again = new OldClient(world.address);
    using events = await again.events();
    expect(await again.tasks("Info", { containerId: "stays" })).toMatchObject({
      task: { pid: init, status: "RUNNING" },
    });
    await again.tasks("Kill", { containerId: "stays", signal: SIGKILL, pid });
    await until("the exec's end", () => events.of("stays").includes(`EXIT ${pid}`));
    await world.removed("stays");
  });
});
