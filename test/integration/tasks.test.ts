// The task manager with real shims and real runc: what a client sees of tasks from create to delete, when things go well and
// when they do not.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { silentLogger } from "../../api/core/log.js";
import type { CreateTaskOptions, Stdio } from "../../api/core/task.js";
import { anyOfJson, anyOfMessage, LINUX_RESOURCES_TYPE, PROCESS_TYPE } from "../../api/core/typeurl.js";
import { CheckpointOptions, Options } from "../../api/gen/types/runc/options/oci.js";
import { createBundle } from "../../runtime/bundle.js";
import { startShim } from "../../runtime/drivers/shim/actions.js";
import { resolveShimBinary } from "../../runtime/drivers/shim/binary.js";
import { ShimLog } from "../../runtime/drivers/shim/log-fifo.js";
import { FifoPair } from "../helpers/fifos.js";
import { pidsWithArgument, warmShimIds } from "../helpers/leftovers.js";
import { ociProcess, ociSpec } from "../helpers/oci-spec.js";
import { runProgram } from "../helpers/program.js";
import { NO_STDIO, RUNC, TaskHost } from "../helpers/task-host.js";
import { until } from "../helpers/until.js";

const SIGKILL = 9;
const SIGTERM = 15;
const FOREVER = ["sleep", "1000"];
const CREATE: CreateTaskOptions = { ...NO_STDIO, rootfs: [] };

let host: TaskHost;
beforeEach(async () => {
  host = await TaskHost.start();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

async function running(id: string, args: readonly string[] = FOREVER): Promise<number> {
  const { pid } = await host.task(id, args);
  await host.tasks.start(host.ctx, id, "");
  return pid;
}

async function ended(id: string): Promise<void> {
  await host.tasks.kill(host.ctx, id, "", { signal: SIGKILL, all: true });
  await host.tasks.wait(host.ctx, id, "");
}

const topics = (): string[] => host.events().map(({ topic }) => topic);

describe("when all goes well", () => {
  test("a task, its events and its traces from create to delete", async () => {
    const { pid } = await host.task("one", ["sh", "-c", "exit 7"]);
    expect(await host.tasks.list(host.ctx)).toMatchObject([{ containerId: "one", execId: "", status: "created", pid }]);
    const waiting = host.tasks.wait(host.ctx, "one", "");
    expect(await host.tasks.start(host.ctx, "one", "")).toEqual({ pid });
    const exit = await waiting;
    expect(exit).toMatchObject({ exitStatus: 7 });
    expect(await host.tasks.wait(host.ctx, "one", "")).toEqual(exit);
    expect(await host.tasks.list(host.ctx)).toMatchObject([{ status: "stopped", ...exit, pid }]);
    expect(await host.tasks.delete(host.ctx, "one")).toEqual({ ...exit, pid });
    await host.untilEvents("/tasks/delete");
    expect(topics()).toEqual(["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"]);
    expect(host.events().at(-2)).toMatchObject({ id: "one", pid, exitStatus: 7 });
    expect(await host.leftovers("one")).toEqual([]);
    await expect(host.tasks.delete(host.ctx, "one")).rejects.toMatchObject({ message: "task one not found" });
  });

  test("create is told before its answer, once, and never after start", async () => {
    for (const id of ["a", "b", "c", "d"]) {
      await host.task(id, FOREVER);
      expect(topics().at(-1)).toBe("/tasks/create");
      await host.tasks.start(host.ctx, id, "");
    }
    for (const id of ["a", "b", "c", "d"]) {
      await ended(id);
      await host.tasks.delete(host.ctx, id);
    }
    expect(topics().filter((topic) => topic === "/tasks/create")).toHaveLength(4);
  });

  test("the same container again and again", async () => {
    host.container("again", ["true"]);
    for (let round = 0; round < 5; round += 1) {
      await host.tasks.create(host.ctx, "again", CREATE);
      await host.tasks.start(host.ctx, "again", "");
      expect(await host.tasks.wait(host.ctx, "again", "")).toMatchObject({ exitStatus: 0 });
      await host.tasks.delete(host.ctx, "again");
    }
    await host.untilEvents("/tasks/delete", 5);
    expect(topics()).toEqual(
      Array.from({ length: 5 }, () => ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"]).flat(),
    );
  });

  test("an exec in a fresh container, with every event in order", async () => {
    await running("t");
    const process = { ...NO_STDIO, spec: ociProcess(["sh", "-c", "exit 3"]) };
    await host.tasks.exec(host.ctx, "t", "e", process);
    const { pid } = await host.tasks.start(host.ctx, "t", "e");
    expect(await host.tasks.wait(host.ctx, "t", "e")).toMatchObject({ exitStatus: 3 });
    expect(await host.tasks.get(host.ctx, "t", "e")).toMatchObject({ execId: "e", status: "stopped", exitStatus: 3 });
    expect(await host.tasks.deleteProcess(host.ctx, "t", "e")).toMatchObject({ pid, exitStatus: 3 });
    await ended("t");
    await host.tasks.delete(host.ctx, "t");
    await host.untilEvents("/tasks/delete");
    expect(topics()).toEqual([
      "/tasks/create",
      "/tasks/start",
      "/tasks/exec-added",
      "/tasks/exec-started",
      "/tasks/exit",
      "/tasks/exit",
      "/tasks/delete",
    ]);
    expect(host.events().filter(({ topic }) => topic === "/tasks/exit")).toMatchObject([
      { id: "e", pid, exitStatus: 3 },
      { id: "t", exitStatus: 137 },
    ]);
  });

  test("pause, resume, processes, metrics, resources", async () => {
    const pid = await running("t");
    await host.tasks.pause(host.ctx, "t");
    expect(await host.tasks.list(host.ctx)).toMatchObject([{ status: "paused" }]);
    expect(await host.tasks.get(host.ctx, "t", "")).toMatchObject({ status: "paused" });
    await host.tasks.resume(host.ctx, "t");
    expect(await host.tasks.list(host.ctx)).toMatchObject([{ status: "running" }]);
    await host.untilEvents("/tasks/resumed");
    expect(await host.tasks.list(host.ctx)).toMatchObject([{ status: "running" }]);
    expect(await host.tasks.pids(host.ctx, "t")).toEqual([{ pid, info: undefined }]);
    const metrics = await host.tasks.metrics(host.ctx, ["id==t"]);
    expect(metrics).toMatchObject([{ id: "t", data: { typeUrl: "io.containerd.cgroups.v1.Metrics" } }]);
    const resources = anyOfJson(LINUX_RESOURCES_TYPE, { memory: { limit: 64 << 20 } });
    await host.tasks.update(host.ctx, "t", { resources, annotations: {} });
    const limit = await readFile(`/sys/fs/cgroup/memory/${host.namespace}/t/memory.limit_in_bytes`, "utf8");
    expect(limit.trim()).toBe(String(64 << 20));
  });

  test("signals reach a process that handles them", async () => {
    await using output = await FifoPair.make(host.dir);
    host.container("t", ["sh", "-c", "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"]);
    await host.tasks.create(host.ctx, "t", { ...CREATE, ...output.stdio });
    await host.tasks.start(host.ctx, "t", "");
    await until("the trap", () => output.text().includes("ready"));
    await host.tasks.kill(host.ctx, "t", "", { signal: SIGTERM, all: false });
    expect(await host.tasks.wait(host.ctx, "t", "")).toMatchObject({ exitStatus: 9 });
  });

  test("stdin ends when it was closed on both sides", async () => {
    await using pair = await FifoPair.make(host.dir);
    host.container("t", ["sh", "-c", "cat; echo done"]);
    await host.tasks.create(host.ctx, "t", { ...CREATE, ...pair.stdio });
    await host.tasks.start(host.ctx, "t", "");
    pair.write("hello\n");
    await host.tasks.closeIO(host.ctx, "t", "", { stdin: true });
    pair.endInput();
    expect(await host.tasks.wait(host.ctx, "t", "")).toMatchObject({ exitStatus: 0 });
    await until("the output", () => pair.text() === "hello\ndone\n");
    expect(await host.tasks.get(host.ctx, "t", "")).toMatchObject(pair.stdio);
  });

  test("a terminal has the size it was given", async () => {
    await using pair = await FifoPair.make(host.dir);
    host.container("t", ["sh", "-c", "read line; stty size"], { terminal: true });
    const stdio: Stdio = { ...pair.stdio, stderr: "", terminal: true };
    await host.tasks.create(host.ctx, "t", { ...CREATE, ...stdio });
    await host.tasks.start(host.ctx, "t", "");
    await host.tasks.resizePty(host.ctx, "t", "", { width: 123, height: 45 });
    pair.write("go\n");
    await host.tasks.wait(host.ctx, "t", "");
    await until("the size", () => pair.text().includes("45 123"));
  });

  test("output goes to a file that was named", async () => {
    // Not stderr as well: when a process ends, the 1.6 shim may close the file under the copy of what stderr said last.
    host.container("t", ["sh", "-c", "echo out"]);
    const uri = `file://${join(host.dir, "logs", "t.log")}`;
    await host.tasks.create(host.ctx, "t", { ...CREATE, stdout: uri, stderr: uri });
    await host.tasks.start(host.ctx, "t", "");
    await host.tasks.wait(host.ctx, "t", "");
    await host.tasks.delete(host.ctx, "t");
    expect(await readFile(join(host.dir, "logs", "t.log"), "utf8")).toBe("out\n");
  });

  test("a rootfs that was handed over as mounts is mounted, and unmounted at the end", async () => {
    host.container("t", ["true"], { rootfs: "rootfs" });
    const rootfs = [{ type: "bind", source: host.rootfs, options: ["rbind", "rw"] }];
    await host.tasks.create(host.ctx, "t", { ...CREATE, rootfs });
    await host.tasks.start(host.ctx, "t", "");
    expect(await host.tasks.wait(host.ctx, "t", "")).toMatchObject({ exitStatus: 0 });
    await host.tasks.delete(host.ctx, "t");
    expect(await host.leftovers("t")).toEqual([]);
    expect(await readFile(join(host.rootfs, "etc/passwd"), "utf8")).toMatch(/^root/);
  });

  test("containers of a group share a shim, and end one by one", async () => {
    const annotations = { "io.containerd.runc.v2.group": "pair" };
    for (const id of ["first", "second"]) {
      await host.task(id, FOREVER, { annotations });
      await host.tasks.start(host.ctx, id, "");
    }
    expect(await host.shimPid("first")).toBe(await host.shimPid("second"));
    await ended("first");
    await host.tasks.delete(host.ctx, "first");
    expect(await host.tasks.get(host.ctx, "second", "")).toMatchObject({ status: "running" });
    await ended("second");
    await host.tasks.delete(host.ctx, "second");
    await host.untilEvents("/tasks/delete", 2);
    expect(await host.leftovers("first", "second", "pair")).toEqual([]);
  });

  test("many at once", async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `t${index}`);
    await Promise.all(ids.map((id, index) => host.task(id, ["sh", "-c", `exit ${index}`])));
    const waiting = ids.map((id) => host.tasks.wait(host.ctx, id, ""));
    await Promise.all(ids.map((id) => host.tasks.start(host.ctx, id, "")));
    expect((await Promise.all(waiting)).map(({ exitStatus }) => exitStatus)).toEqual(ids.map((_, index) => index));
    await Promise.all(ids.map((id) => host.tasks.delete(host.ctx, id)));
    expect(await host.leftovers(...ids)).toEqual([]);
  });
});

describe("a create that fails leaves nothing and tells nothing", () => {
  afterEach(async () => {
    expect(await host.leftovers("t")).toEqual([]);
    expect(host.events()).toEqual([]);
    // And nothing of it is in the way of the next.
    host.container("t", ["true"]);
    await host.tasks.create(host.ctx, "t", CREATE);
  });

  test("a program that is not there", async () => {
    host.container("t", ["/no/such/program"]);
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({
      kind: "unknown",
      message: expect.stringMatching(
        /^failed to create shim task: OCI runtime create failed: .*\/no\/such\/program.*: unknown$/,
      ),
    });
  });

  test("a rootfs that is not there", async () => {
    host.container("t", ["true"], { rootfs: "/no/such/rootfs" });
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({
      kind: "unknown",
      message: expect.stringMatching(/^failed to create shim task: OCI runtime create failed: /),
    });
  });

  test("a mount that cannot be made", async () => {
    host.container("t", ["true"], { rootfs: "rootfs" });
    const rootfs = [{ type: "bind", source: "/no/such/source", options: ["rbind"] }];
    await expect(host.tasks.create(host.ctx, "t", { ...CREATE, rootfs })).rejects.toMatchObject({
      message: expect.stringMatching(/^failed to create shim task: failed to mount rootfs component/),
    });
  });

  test("a FIFO that is not there", async () => {
    host.container("t", ["true"]);
    const stdout = join(host.dir, "no-fifo");
    await expect(host.tasks.create(host.ctx, "t", { ...CREATE, stdout, stderr: stdout })).rejects.toMatchObject({
      message: expect.stringMatching(/^failed to create shim task: failed to start io pipe copy: .*no such file/),
    });
  });

  test("a scheme that nobody knows", async () => {
    host.container("t", ["true"]);
    await expect(
      host.tasks.create(host.ctx, "t", { ...CREATE, stdout: "x://y", stderr: "x://y" }),
    ).rejects.toMatchObject({
      message: "failed to create shim task: failed to create init process I/O: unknown STDIO scheme x: unknown",
    });
  });

  test("options of another type, in the request or in the record", async () => {
    const foreign = anyOfMessage(
      "containerd.runc.v1.CheckpointOptions",
      CheckpointOptions,
      CheckpointOptions.fromPartial({}),
    );
    const message = `invalid task create option for ${RUNC}`;
    host.container("t", ["true"]);
    await expect(host.tasks.create(host.ctx, "t", { ...CREATE, options: foreign })).rejects.toMatchObject({ message });
    await expect(
      host.tasks.create(host.ctx, "t", { ...CREATE, options: { typeUrl: "x.Y", value: Buffer.alloc(0) } }),
    ).rejects.toMatchObject({ kind: "unknown", message: "type with url x.Y: not found" });
    host.container("t", ["true"], {}, { name: RUNC, options: foreign });
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({ message });
  });

  test("a runc that is not there", async () => {
    const options = anyOfMessage(
      "containerd.runc.v1.Options",
      Options,
      Options.fromPartial({ binaryName: "/no/such/runc" }),
    );
    host.container("t", ["true"]);
    await expect(host.tasks.create(host.ctx, "t", { ...CREATE, options })).rejects.toMatchObject({
      kind: "unknown",
      message: expect.stringMatching(/^failed to create shim task: OCI runtime create failed: /),
    });
  });

  test.each([
    ["", "failed to resolve runtime path: no runtime name"],
    ["nodots", /failed to resolve runtime path: invalid runtime name nodots, correct runtime name should be/],
    ["a/b.c", /failed to resolve runtime path: invalid runtime name a\/b.c/],
    [
      "io.berth.nothere.v1",
      'failed to resolve runtime path: runtime "io.berth.nothere.v1" binary not installed "containerd-shim-nothere-v1": file does not exist',
    ],
    [
      "/no/such/shim",
      "failed to resolve runtime path: invalid custom binary path: stat /no/such/shim: no such file or directory",
    ],
  ])("the runtime %j", async (name, message) => {
    host.container("t", ["true"], {}, { name });
    const wanted = typeof message === "string" ? `failed to start shim: ${message}` : expect.stringMatching(message);
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({ kind: "unknown", message: wanted });
  });

  test("a program that is no shim", async () => {
    host.container("t", ["true"], {}, { name: "/usr/bin/false" });
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({
      message: "failed to start shim: start failed: : exit status 1",
    });
  });

  test("a spec that is none", async () => {
    host.container("t", ["true"], {}, { name: RUNC }, { typeUrl: "", value: Buffer.from("{") });
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({
      kind: "unknown",
      message: expect.stringMatching(/^failed to start shim: /),
    });
    host.container("t", ["true"], {}, { name: RUNC }, { typeUrl: "", value: Buffer.from("{}") });
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({ kind: "unknown" });
  });

  test("a client that gives up while the shim waits for a reader of its output", async () => {
    await using pair = await FifoPair.make(host.dir, { isRead: false });
    host.container("t", ["true"]);
    const patience = new AbortController();
    const creating = host.tasks.create({ ...host.ctx, signal: patience.signal }, "t", { ...CREATE, ...pair.stdio });
    creating.catch(() => undefined);
    await until("runc to have created it", () => readFile(join(host.bundle("t"), "init.pid")));
    patience.abort();
    await expect(creating).rejects.toMatchObject({ kind: "cancelled" });
  });
});

test("clients that give up at any moment", async () => {
  const ids = Array.from({ length: 40 }, (_, at) => `t${at}`);
  const moments = ids.map((id, at) => ({ id, afterMs: at * 8 }));
  const work = async (): Promise<void> => {
    for (let next = moments.pop(); next !== undefined; next = moments.pop()) {
      const { id, afterMs } = next;
      host.container(id, FOREVER);
      const creating = host.tasks.create({ ...host.ctx, signal: AbortSignal.timeout(afterMs) }, id, CREATE);
      // The last ones may have been fast enough.
      await creating.then(() => host.tasks.delete(host.ctx, id)).catch(() => undefined);
    }
  };
  await Promise.all([work(), work()]);
  expect(await host.leftovers(...ids)).toEqual([]);
  // Shims that had made their container before they heard of it have told so; each then also tells its end.
  await until("every task to have ended", async () => (await host.ledger.openProcesses()).length === 0);
});

test("a container of the same name that another engine runs is left alone", async () => {
  const root = `/run/containerd/runc/${host.namespace}`;
  const bundle = join(host.dir, "foreign");
  await mkdir(bundle);
  const spec = ociSpec({ args: FOREVER, rootfs: host.rootfs, cgroupsPath: `/${host.namespace}/foreign` });
  await writeFile(join(bundle, "config.json"), spec.value);
  // Without pipes: the container would hold them open.
  const runc = spawn("runc", ["--root", root, "create", "--bundle", bundle, "t"], { stdio: "ignore" });
  expect(await once(runc, "exit")).toEqual([0, null]);
  try {
    host.container("t", ["true"]);
    await expect(host.tasks.create(host.ctx, "t", CREATE)).rejects.toMatchObject({
      message: expect.stringMatching(/^failed to create shim task: .*already exists/),
    });
    const state = await runProgram("runc", ["--root", root, "state", "t"]);
    expect(JSON.parse(state.stdout)).toMatchObject({ id: "t", status: "created" });
    expect(await host.tasks.list(host.ctx)).toEqual([]);
  } finally {
    await runProgram("runc", ["--root", root, "delete", "--force", "t"]);
  }
});

test("the shim's binary is run to start, and to delete only when the shim itself cannot", async () => {
  const calls = join(host.dir, "calls");
  const name = join(host.dir, "containerd-shim-runc-v2");
  const script = `#!/bin/sh\nfor word; do :; done\necho "$word" >> ${calls}\nexec /usr/bin/containerd-shim-runc-v2 "$@"\n`;
  await writeFile(name, script, { mode: 0o755 });
  // How many are started ahead of need is another matter.
  const called = async (): Promise<Set<string>> => new Set((await readFile(calls, "utf8")).trim().split("\n"));
  for (const id of ["clean", "killed"]) {
    host.container(id, FOREVER, {}, { name });
    await host.tasks.create(host.ctx, id, CREATE);
    await host.tasks.start(host.ctx, id, "");
  }
  await ended("clean");
  await host.tasks.delete(host.ctx, "clean");
  expect(await called()).toEqual(new Set(["-v", "start"]));
  const waiting = host.tasks.wait(host.ctx, "killed", "");
  process.kill(await host.shimPid("killed"), "SIGKILL");
  await waiting;
  expect(await called()).toEqual(new Set(["-v", "start", "delete"]));
  expect(await host.leftovers("clean", "killed")).toEqual([]);
});

describe("when shims misbehave", () => {
  test("a shim that is killed: one exit, one delete, nothing left", async () => {
    const pid = await running("t");
    const waiting = host.tasks.wait(host.ctx, "t", "");
    process.kill(await host.shimPid("t"), "SIGKILL");
    expect(await waiting).toMatchObject({ exitStatus: 137 });
    await until("the task to be gone", async () => (await host.tasks.list(host.ctx)).length === 0);
    expect(await host.leftovers("t")).toEqual([]);
    const ends = host.events().filter(({ topic }) => topic === "/tasks/exit" || topic === "/tasks/delete");
    expect(ends).toMatchObject([
      { topic: "/tasks/exit", id: "t", pid, exitStatus: 137 },
      { topic: "/tasks/delete", id: "t", pid, exitStatus: 137 },
    ]);
    await host.tasks.create(host.ctx, "t", CREATE);
  });

  test("a shim that is killed when its container has ended: the exit is told once, with its status", async () => {
    await running("t", ["sh", "-c", "exit 3"]);
    await host.untilEvents("/tasks/exit");
    process.kill(await pidOfShim("t"), "SIGKILL");
    await host.untilEvents("/tasks/delete");
    expect(host.events().slice(-2)).toMatchObject([
      { topic: "/tasks/exit", exitStatus: 3 },
      { topic: "/tasks/delete", exitStatus: 3 },
    ]);
  });

  test("a shared shim that is killed: each of its tasks ends once", async () => {
    const annotations = { "io.containerd.runc.v2.group": "pair" };
    for (const id of ["first", "second"]) {
      await host.task(id, FOREVER, { annotations });
      await host.tasks.start(host.ctx, id, "");
    }
    const waiting = ["first", "second"].map((id) => host.tasks.wait(host.ctx, id, ""));
    process.kill(await host.shimPid("first"), "SIGKILL");
    for (const exit of await Promise.all(waiting)) expect(exit).toMatchObject({ exitStatus: 137 });
    await host.untilEvents("/tasks/delete", 2);
    const ends = host.events().filter(({ topic }) => topic === "/tasks/exit" || topic === "/tasks/delete");
    expect(ends.map(({ topic, id }) => `${topic} ${id}`).sort()).toEqual([
      "/tasks/delete first",
      "/tasks/delete second",
      "/tasks/exit first",
      "/tasks/exit second",
    ]);
    expect(await host.tasks.list(host.ctx)).toEqual([]);
    expect(await host.leftovers("first", "second", "pair")).toEqual([]);
  });

  test("a shim that hangs holds up nobody else", async () => {
    const pid = await running("hung");
    await running("well");
    const shim = await host.shimPid("hung");
    process.kill(shim, "SIGSTOP");
    try {
      const statuses = (await host.tasks.list(host.ctx)).map(({ containerId, status }) => [containerId, status]);
      expect(statuses.sort()).toEqual([
        ["hung", "running"],
        ["well", "running"],
      ]);
      const asking = host.tasks.get(host.ctx, "hung", "");
      await ended("well");
      await host.tasks.delete(host.ctx, "well");
      await running("another");
      expect(await asking).toMatchObject({ status: "running", pid });
      expect((await host.tasks.metrics(host.ctx)).map(({ id }) => id)).toEqual(["another"]);
      const patience = new AbortController();
      const killing = host.tasks.kill({ ...host.ctx, signal: patience.signal }, "hung", "", { signal: 0, all: false });
      patience.abort();
      await expect(killing).rejects.toMatchObject({ kind: "cancelled" });
    } finally {
      process.kill(shim, "SIGCONT");
    }
    expect(await host.tasks.get(host.ctx, "hung", "")).toMatchObject({ status: "running" });
  });

  test("what would make a shim panic does not reach it", async () => {
    await running("t");
    const absent = { typeUrl: "", value: Buffer.alloc(0) };
    await expect(host.tasks.exec(host.ctx, "t", "e", { ...NO_STDIO, spec: absent })).rejects.toMatchObject({
      kind: "invalid_argument",
    });
    await expect(host.tasks.update(host.ctx, "t", { resources: undefined, annotations: {} })).rejects.toMatchObject({
      kind: "invalid_argument",
    });
    expect(await host.tasks.get(host.ctx, "t", "")).toMatchObject({ status: "running" });
  });

  test.each([["null"], ["{}"], ["["], [""], ['{"args":null}'], ['{"args":["true"],"user":null}']])(
    "a process of %j is refused or fails, and the container lives",
    async (json) => {
      await running("t");
      const spec = { typeUrl: PROCESS_TYPE, value: Buffer.from(json) };
      const trying = host.tasks
        .exec(host.ctx, "t", "e", { ...NO_STDIO, spec })
        .then(() => host.tasks.start(host.ctx, "t", "e"))
        .then(
          () => "started",
          () => "refused",
        );
      expect(["started", "refused"]).toContain(await trying);
      expect(await host.tasks.get(host.ctx, "t", "")).toMatchObject({ status: "running" });
    },
  );

  test("a checkpoint that CRIU cannot make fails with its words", async () => {
    await running("t");
    const imagePath = join(host.dir, "image");
    await mkdir(imagePath);
    const options = anyOfMessage(
      "containerd.runc.v1.CheckpointOptions",
      CheckpointOptions,
      CheckpointOptions.fromPartial({ imagePath }),
    );
    const checkpoint = host.tasks.checkpoint(host.ctx, "t", options);
    await checkpoint.then(
      (descriptors) => expect(descriptors).toEqual([]),
      (error: unknown) => expect(error).toMatchObject({ kind: "unknown", message: expect.stringMatching(/criu/i) }),
    );
    await expect(host.tasks.checkpoint(host.ctx, "t", undefined)).rejects.toMatchObject({ kind: "not_implemented" });
  });
});

describe("when the daemon ends and comes back", () => {
  test("running and stopped tasks are there again, with their exits and their execs", async () => {
    const pid = await running("runs");
    const spec = ociProcess(FOREVER);
    await host.tasks.exec(host.ctx, "runs", "e", { ...NO_STDIO, spec });
    await host.tasks.start(host.ctx, "runs", "e");
    await running("ends", ["sh", "-c", "exit 5"]);
    await host.tasks.wait(host.ctx, "ends", "");
    await host.untilEvents("/tasks/exit");
    await host.stopDaemon();
    await host.startDaemon();
    const listed = (await host.tasks.list(host.ctx)).map(({ containerId, status }) => [containerId, status]);
    expect(listed.sort()).toEqual([
      ["ends", "stopped"],
      ["runs", "running"],
    ]);
    expect(await host.tasks.wait(host.ctx, "ends", "")).toMatchObject({ exitStatus: 5 });
    await host.tasks.kill(host.ctx, "runs", "e", { signal: SIGKILL, all: false });
    expect(await host.tasks.wait(host.ctx, "runs", "e")).toMatchObject({ exitStatus: 137 });
    await ended("runs");
    expect(await host.tasks.delete(host.ctx, "runs")).toMatchObject({ pid, exitStatus: 137 });
    await host.tasks.delete(host.ctx, "ends");
    await host.untilEvents("/tasks/delete", 2);
    expect(await host.leftovers("runs", "ends")).toEqual([]);
  });

  test("a task that ended meanwhile is told of by its shim", async () => {
    const pid = await running("t");
    await host.stopDaemon();
    process.kill(pid, "SIGKILL");
    await until("the process to be gone", () => isGone(pid));
    await host.startDaemon();
    expect(await host.tasks.wait(host.ctx, "t", "")).toMatchObject({ exitStatus: 137 });
    expect(await host.untilEvents("/tasks/exit")).toMatchObject([{ id: "t", pid, exitStatus: 137 }]);
  });

  test("a shim that died meanwhile is cleaned up and its end told; other folders go, hidden ones with them", async () => {
    const pid = await running("dead");
    const shim = await host.shimPid("dead");
    await host.untilEvents("/tasks/start");
    await host.stopDaemon();
    process.kill(shim, "SIGKILL");
    await until("the shim to be gone", () => isGone(shim));
    const bundles = join(host.bundle("x"), "..");
    await mkdir(join(bundles, "empty"));
    await mkdir(join(bundles, "strange"));
    await writeFile(join(bundles, "strange", "file"), "");
    await mkdir(join(bundles, ".hidden", "rootfs"), { recursive: true });
    const work = join(host.dir, "root", "io.containerd.runtime.v2.task", host.namespace);
    await mkdir(join(work, "orphan"), { recursive: true });
    await host.startDaemon();
    expect(await host.tasks.list(host.ctx)).toEqual([]);
    expect(await host.leftovers("dead")).toEqual([]);
    await until("the container to be gone", () => isGone(pid));
    await expect(readFile(join(work, "orphan"))).rejects.toMatchObject({ code: "ENOENT" });
    const exit = { id: "dead", pid, exitStatus: 137 };
    expect(host.events().slice(2)).toMatchObject([
      { topic: "/tasks/exit", ...exit },
      { topic: "/tasks/delete", ...exit },
    ]);
    await host.tasks.create(host.ctx, "dead", CREATE);
  });

  test("a shim that was started and got no task is ended", async () => {
    await host.stopDaemon();
    host.container("t", FOREVER);
    const roots = { rootDir: join(host.dir, "root"), stateDir: host.stateDir };
    const { spec } = await host.containers.get(host.ctx, "t");
    const bundle = await createBundle(roots, host.namespace, "t", spec.value);
    {
      using _log = ShimLog.open(bundle.path, silentLogger);
      const binary = await resolveShimBinary(RUNC, { path: process.env["PATH"] ?? "", programDir: "/" });
      const deps = {
        address: host.address,
        ttrpcAddress: `${host.address}.ttrpc`,
        publishBinary: "/bin/true",
        debug: false,
      };
      await startShim(deps, binary, bundle, Buffer.alloc(0), undefined);
    }
    expect(await pidsWithArgument(host.namespace)).toHaveLength(1);
    await host.startDaemon();
    expect(await host.tasks.list(host.ctx)).toEqual([]);
    expect(await host.leftovers("t")).toEqual([]);
  });

  test("a shim that hangs at the time keeps its task", async () => {
    const pid = await running("t");
    const shim = await host.shimPid("t");
    await host.stopDaemon();
    process.kill(shim, "SIGSTOP");
    try {
      await host.startDaemon();
      expect(await host.tasks.list(host.ctx)).toMatchObject([{ containerId: "t", status: "unknown", pid }]);
    } finally {
      process.kill(shim, "SIGCONT");
    }
    expect(await host.tasks.get(host.ctx, "t", "")).toMatchObject({ status: "running", pid });
    expect(await host.tasks.list(host.ctx)).toMatchObject([{ status: "running" }]);
  });
});

async function isGone(pid: number): Promise<boolean> {
  // A zombie is gone as well; who reaps it is not our business here.
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  return stat === undefined || stat.slice(stat.lastIndexOf(")") + 2).startsWith("Z");
}

/** For a shim whose container has no process any more to ask for its parent. */
async function pidOfShim(id: string): Promise<number> {
  const all = (await pidsWithArgument(host.namespace)).filter((found) => found !== process.pid);
  const warm = await warmShimIds(host.stateDir, host.namespace);
  const ofWarm = new Set((await Promise.all(warm.map(pidsWithArgument))).flat());
  const pid = all.find((found) => !ofWarm.has(found));
  if (pid === undefined) throw new Error(`no shim of ${id}`);
  return pid;
}
