// The task manager with real shims and real runc: what a client sees of tasks from create to delete when things go well, and what
// it leaves alone.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CreateTaskOptions, Stdio } from "../../api/core/task.js";
import { anyOfJson, LINUX_RESOURCES_TYPE } from "../../api/core/typeurl.js";
import { FifoPair } from "../helpers/fifos.js";
import { ociProcess, ociSpec } from "../helpers/oci-spec.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { FOREVER, NO_STDIO, TaskHost } from "../helpers/task-host.js";
import { until } from "../helpers/until.js";

const lacking = requires.runc();

const SIGTERM = 15;
const CREATE: CreateTaskOptions = { ...NO_STDIO, rootfs: [] };

let host: TaskHost;
beforeEach(async () => {
  host = await TaskHost.start();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

describe.skipIf(lacking)("when all goes well", () => {
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
    expect(host.topics()).toEqual(["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"]);
    expect(host.events().at(-2)).toMatchObject({ id: "one", pid, exitStatus: 7 });
    expect(await host.leftovers("one")).toEqual([]);
    await expect(host.tasks.delete(host.ctx, "one")).rejects.toMatchObject({ message: "task one not found" });
  });

  test("create is told before its answer, once, and never after start", async () => {
    for (const id of ["a", "b", "c", "d"]) {
      await host.task(id, FOREVER);
      expect(host.topics().at(-1)).toBe("/tasks/create");
      await host.tasks.start(host.ctx, id, "");
    }
    for (const id of ["a", "b", "c", "d"]) {
      await host.ended(id);
      await host.tasks.delete(host.ctx, id);
    }
    expect(host.topics().filter((topic) => topic === "/tasks/create")).toHaveLength(4);
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
    expect(host.topics()).toEqual(
      Array.from({ length: 5 }, () => ["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"]).flat(),
    );
  });

  test("an exec in a fresh container, with every event in order", async () => {
    await host.running("t");
    const process = { ...NO_STDIO, spec: ociProcess(["sh", "-c", "exit 3"]) };
    await host.tasks.exec(host.ctx, "t", "e", process);
    const { pid } = await host.tasks.start(host.ctx, "t", "e");
    expect(await host.tasks.wait(host.ctx, "t", "e")).toMatchObject({ exitStatus: 3 });
    expect(await host.tasks.get(host.ctx, "t", "e")).toMatchObject({ execId: "e", status: "stopped", exitStatus: 3 });
    expect(await host.tasks.deleteProcess(host.ctx, "t", "e")).toMatchObject({ pid, exitStatus: 3 });
    await host.ended("t");
    await host.tasks.delete(host.ctx, "t");
    await host.untilEvents("/tasks/delete");
    expect(host.topics()).toEqual([
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
    const pid = await host.running("t");
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
    await host.ended("first");
    await host.tasks.delete(host.ctx, "first");
    expect(await host.tasks.get(host.ctx, "second", "")).toMatchObject({ status: "running" });
    await host.ended("second");
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

test.skipIf(lacking)("a container of the same name that another engine runs is left alone", async () => {
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

test.skipIf(lacking)("the shim's binary is run to start, and to delete only when the shim itself cannot", async () => {
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
  await host.ended("clean");
  await host.tasks.delete(host.ctx, "clean");
  expect(await called()).toEqual(new Set(["-v", "start"]));
  const waiting = host.tasks.wait(host.ctx, "killed", "");
  process.kill(await host.shimPid("killed"), "SIGKILL");
  await waiting;
  expect(await called()).toEqual(new Set(["-v", "start", "delete"]));
  expect(await host.leftovers("clean", "killed")).toEqual([]);
});
