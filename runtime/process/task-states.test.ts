// What a task may do in which state, in the runtime's words, and what it tells in which order.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { anyOfJson, LINUX_RESOURCES_TYPE } from "../../api/core/typeurl.js";
import { ProcessDetails } from "../../api/gen/types/runc/options/oci.js";
import { execSpec, HostFixture, hostProcess } from "../../test/helpers/process-host.js";
import { until } from "../../test/helpers/until.js";
import type { ProcessTask } from "./process-task.js";
import { readStat } from "./session.js";

const { SIGKILL, SIGTERM, SIGUSR1 } = constants.signals;
const FOREVER = hostProcess(["sleep", "1000"]);
const noStdio = { stdin: "", stdout: "", stderr: "", terminal: false };

let fixture: HostFixture;
beforeEach(() => {
  fixture = new HostFixture();
});
afterEach(async () => {
  await fixture[Symbol.asyncDispose]();
});

const isGone = (pid: number): boolean => readStat(pid) === undefined;
/** A refusal travels without a class text. */
const refused = async (action: () => Promise<unknown>, message: string): Promise<void> =>
  await expect(action()).rejects.toMatchObject({ kind: "unknown", message });
const exec = async (task: ProcessTask, execId: string, ...args: string[]): Promise<void> =>
  await task.exec(execId, { ...noStdio, spec: execSpec(args) });

describe("the end of a process", () => {
  test.each([
    ["exit 0", 0],
    ["exit 7", 7],
    ["exit 255", 255],
    ["kill -TERM $$", 128 + 15],
    ["kill -KILL $$", 128 + 9],
    // No name of Node's stands for it.
    ["kill -40 $$", 128 + 40],
    ["kill -64 $$", 128 + 64],
  ])("%s is status %i", async (script, status) => {
    const task = await fixture.run("t", hostProcess(["sh", "-c", script]));
    const exit = await task.wait("");
    expect(exit).toMatchObject({ pid: task.pid, exitStatus: status });
    expect(exit.exitedAtNs).toBeTypeOf("bigint");
    expect(task.state("")).toMatchObject({ status: "stopped", exitStatus: status, exitedAtNs: exit.exitedAtNs });
    expect(await task.delete("")).toEqual(exit);
    expect(fixture.story).toEqual(["/tasks/create", "/tasks/start", `/tasks/exit t ${status}`, "/tasks/delete"]);
    expect(() => fixture.host.task("t")).toThrow("container not created: not found");
  });

  test("ends all that it left running, and its execs are told of before it", async () => {
    const pidFile = join(fixture.dir, "pid");
    const script = `sleep 1000 & echo $! > ${pidFile}; kill -STOP $$`;
    const task = await fixture.run("t", hostProcess(["sh", "-c", script]));
    for (const id of ["first", "second"]) {
      await exec(task, id, "sleep", "1000");
      await task.start(id);
    }
    const waiting = [task.wait("first"), task.wait("second")];
    const child = await until("the child", () => Number(existsSync(pidFile) && readFileSync(pidFile, "utf8")));
    await task.kill("", SIGKILL, false);
    expect(await task.wait("")).toMatchObject({ exitStatus: 137 });
    for (const exit of await Promise.all(waiting)) expect(exit).toMatchObject({ exitStatus: 137 });
    await until("the child to be reaped", () => isGone(child));
    const exits = fixture.story.filter((event) => event.startsWith("/tasks/exit"));
    expect(exits.slice(0, 2).sort()).toEqual(["/tasks/exit first 137", "/tasks/exit second 137"]);
    expect(exits[2]).toBe("/tasks/exit t 137");
    expect(await task.pids()).toEqual([]);
  });

  test("of an orphan is taken note of", async () => {
    const pidFile = join(fixture.dir, "pid");
    // Its parent ends first, so it becomes our child.
    const script = `(sh -c 'echo $$ > ${pidFile}; exec sleep 0.05' &); sleep 1000`;
    await fixture.run("t", hostProcess(["sh", "-c", script]));
    const orphan = await until("the orphan", () => Number(existsSync(pidFile) && readFileSync(pidFile, "utf8")));
    await until("the orphan to be reaped", () => isGone(orphan));
  });
});

describe("a created task", () => {
  test("can be killed: it has an exit and no start", async () => {
    const task = await fixture.create("t", FOREVER);
    const waiting = task.wait("");
    await task.kill("", SIGKILL, false);
    expect(await waiting).toMatchObject({ exitStatus: 137 });
    await refused(() => task.start(""), "cannot start a stopped process");
    await task.delete("");
    expect(fixture.story).toEqual(["/tasks/create", "/tasks/exit t 137", "/tasks/delete"]);
  });

  test("can be deleted: it never ended", async () => {
    const task = await fixture.create("t", FOREVER);
    const { pid } = task;
    const waiting = task.wait("");
    expect(await task.delete("")).toEqual({ pid, exitStatus: 0, exitedAtNs: undefined });
    expect(await waiting).toEqual({ pid, exitStatus: 137, exitedAtNs: undefined });
    expect(isGone(pid)).toBe(true);
    expect(fixture.story).toEqual(["/tasks/create", "/tasks/exit t 137", "/tasks/delete"]);
    await fixture.create("t", FOREVER);
  });

  test("refuses what needs a running one", async () => {
    const task = await fixture.create("t", FOREVER);
    await refused(() => task.pause(), "cannot pause task in created state");
    await refused(() => task.resume(), "cannot resume task in created state");
  });

  test("has an id of its own", async () => {
    await fixture.create("t", FOREVER);
    await expect(fixture.create("t", FOREVER)).rejects.toMatchObject({ kind: "already_exists" });
    await expect(fixture.host.create({ ...fixture.request("u", {}), id: "../u" })).rejects.toMatchObject({
      kind: "invalid_argument",
    });
    const both = [fixture.create("v", FOREVER), fixture.create("v", FOREVER)];
    const results = await Promise.allSettled(both);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
  });
});

describe("a running task", () => {
  test("refuses what it is or has done already", async () => {
    const task = await fixture.run("t", FOREVER);
    await refused(() => task.start(""), "cannot start a running process");
    await refused(() => task.resume(), "cannot resume a running process");
    await refused(() => task.delete(""), "cannot delete a running process");
    await refused(() => task.kill("", 65, false), "unknown error after kill: invalid signal 65");
    await task.kill("", 0, false);
    task.resizePty("", 80, 24);
    task.closeIO("", true);
    task.closeIO("", false);
    expect(() => task.state("nobody")).toThrow("process does not exist nobody: not found");
  });

  test("starts once, whoever asks at the same time", async () => {
    const task = await fixture.create("t", FOREVER);
    const results = await Promise.allSettled([task.start(""), task.start("")]);
    expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(fixture.topics).toEqual(["/tasks/create", "/tasks/start"]);
  });

  test("gets the signal that is sent, alone or with all others", async () => {
    const out = join(fixture.dir, "out");
    writeFileSync(out, "");
    const script =
      "trap 'echo got' USR1; trap 'exit 3' TERM; sh -c 'trap \"echo child; exit\" USR1; echo ready; while :; do sleep 0.01; done' & while :; do sleep 0.01; done";
    const task = await fixture.run("t", hostProcess(["sh", "-c", script]), { stdout: out, stderr: out });
    await until("both to be ready", () => readFileSync(out, "utf8").includes("ready"));
    await task.kill("", SIGUSR1, true);
    await until("both to be told", () => /child[\s\S]+got|got[\s\S]+child/.test(readFileSync(out, "utf8")));
    await task.kill("", SIGTERM, false);
    expect(await task.wait("")).toMatchObject({ exitStatus: 3 });
    expect(
      readFileSync(out, "utf8")
        .split("\n")
        .filter((line) => line === "got"),
    ).toHaveLength(1);
    await expect(task.kill("", SIGTERM, false)).rejects.toMatchObject({
      kind: "not_found",
      message: "process already finished: not found",
    });
  });

  test("is paused and resumed, and dies at once when it is killed while it is paused", async () => {
    const task = await fixture.run("t", FOREVER);
    await exec(task, "e", "sleep", "1000");
    await task.start("e");
    await task.pause();
    expect([task.state("").status, task.state("e").status]).toEqual(["paused", "paused"]);
    await refused(() => task.start(""), "cannot start a paused process");
    await refused(() => task.pause(), "cannot pause a paused container");
    await refused(() => exec(task, "f", "true"), "cannot exec in a paused state");
    await refused(() => task.delete(""), "cannot delete a paused process");
    await task.resume();
    expect([task.state("").status, task.state("e").status]).toEqual(["running", "running"]);
    await task.pause();
    await task.kill("", SIGKILL, false);
    expect(await task.wait("")).toMatchObject({ exitStatus: 137 });
    await refused(() => task.pause(), "cannot pause a stopped container");
    await refused(() => task.resume(), "cannot resume a stopped container");
    await refused(() => exec(task, "f", "true"), "cannot exec in a stopped state");
    await refused(() => task.update(anyOfJson(LINUX_RESOURCES_TYPE, {})), "cannot update a stopped container");
    expect(fixture.story.filter((event) => !event.startsWith("/tasks/exec"))).toEqual([
      "/tasks/create",
      "/tasks/start",
      "/tasks/paused",
      "/tasks/resumed",
      "/tasks/paused",
      "/tasks/exit e 137",
      "/tasks/exit t 137",
    ]);
  });

  test("lists its processes and which execs they are", async () => {
    const task = await fixture.run("t", FOREVER);
    await exec(task, "e", "sleep", "1000");
    const { pid } = await task.start("e");
    const listed = await until("both to be listed", async () => {
      const pids = await task.pids();
      return pids.length === 2 ? pids : undefined;
    });
    expect(listed.map((one) => one.pid).sort()).toEqual([task.pid, pid].sort());
    const info = listed.find((one) => one.pid === pid)?.info;
    expect(ProcessDetails.decode(info?.value ?? Buffer.alloc(0)).execId).toBe("e");
  });

  test("is waited for no longer than one wants", async () => {
    const task = await fixture.run("t", FOREVER);
    const patience = new AbortController();
    const waiting = task.wait("", patience.signal);
    patience.abort();
    await expect(waiting).rejects.toMatchObject({ kind: "cancelled" });
    await expect(task.wait("", patience.signal)).rejects.toMatchObject({ kind: "cancelled" });
  });
});

describe("an exec", () => {
  test("goes from registration to its end", async () => {
    const task = await fixture.run("t", FOREVER);
    await exec(task, "e", "sh", "-c", "exit 3");
    expect(task.state("e")).toMatchObject({ execId: "e", containerId: "t", status: "created", pid: 0 });
    await expect(task.kill("e", SIGKILL, false)).rejects.toMatchObject({
      kind: "failed_precondition",
      message: "process not created: failed precondition",
    });
    const waiting = task.wait("e");
    const { pid } = await task.start("e");
    expect(await waiting).toMatchObject({ pid, exitStatus: 3 });
    await expect(exec(task, "e", "true")).rejects.toMatchObject({ message: "id e: already exists" });
    await refused(() => task.start("e"), "cannot start a stopped process");
    expect(() => task.resizePty("e", 1, 1)).toThrow("cannot resize a stopped container");
    expect(await task.delete("e")).toMatchObject({ pid, exitStatus: 3 });
    expect(() => task.state("e")).toThrow("process does not exist e: not found");
    const story = ["/tasks/create", "/tasks/start", "/tasks/exec-added", "/tasks/exec-started e", "/tasks/exit e 3"];
    expect(fixture.story).toEqual(story);
  });

  test.each(["", "a/b", "..", "x".repeat(77)])("is never called %j", async (id) => {
    const task = await fixture.run("t", FOREVER);
    await expect(exec(task, id, "true")).rejects.toMatchObject({ kind: "invalid_argument" });
  });

  test("may be called like its container", async () => {
    const task = await fixture.run("t", FOREVER);
    await exec(task, "t", "true");
    await task.start("t");
    expect(await task.wait("t")).toMatchObject({ exitStatus: 0 });
  });

  test("runs while init has not begun", async () => {
    const task = await fixture.create("t", FOREVER);
    await exec(task, "e", "sh", "-c", "exit 4");
    await task.start("e");
    expect(await task.wait("e")).toMatchObject({ exitStatus: 4 });
    expect(task.state("")).toMatchObject({ status: "created" });
  });

  test("that cannot be started stays as it was, and nobody waits for it", async () => {
    const task = await fixture.run("t", FOREVER);
    await exec(task, "e", "/nowhere/x");
    const waiting = task.wait("e");
    await refused(
      () => task.start("e"),
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "/nowhere/x": stat /nowhere/x: no such file or directory',
    );
    const nothing = { pid: 0, exitStatus: 0, exitedAtNs: undefined };
    expect([await waiting, await task.wait("e")]).toEqual([nothing, nothing]);
    expect(task.state("e")).toMatchObject({ status: "created", pid: 0 });
    expect(await task.delete("e")).toEqual(nothing);
    expect(fixture.topics).toEqual(["/tasks/create", "/tasks/start", "/tasks/exec-added"]);
  });

  test("is not started in a task that is paused or over", async () => {
    const task = await fixture.run("t", FOREVER);
    await exec(task, "e", "true");
    await task.pause();
    await expect(task.start("e")).rejects.toThrow("cannot exec in a paused container");
    await task.resume();
    await task.kill("", SIGKILL, false);
    await task.wait("");
    await refused(() => task.start("e"), "OCI runtime exec failed: exec failed: cannot exec in a stopped container");
  });

  test("is killed alone, and refuses to be deleted before", async () => {
    const task = await fixture.run("t", FOREVER);
    await exec(task, "e", "sleep", "1000");
    await task.start("e");
    await refused(() => task.delete("e"), "cannot delete a running process");
    await task.kill("e", SIGTERM, false);
    expect(await task.wait("e")).toMatchObject({ exitStatus: 143 });
    expect(task.state("")).toMatchObject({ status: "running" });
  });

  test("that is being started when init ends does not outlive it", async () => {
    const task = await fixture.run("t", FOREVER);
    await exec(task, "e", "sleep", "1000");
    const starting = task.start("e").catch(() => undefined);
    await task.kill("", SIGKILL, false);
    await Promise.all([starting, task.wait("")]);
    expect(await task.pids()).toEqual([]);
    const { status, pid } = task.state("e");
    expect(status === "created" ? pid : isGone(pid)).toBe(status === "created" ? 0 : true);
  });
});

test("a host that is let go leaves nothing", async () => {
  const running = await fixture.run("a", FOREVER);
  await exec(running, "e", "sleep", "1000");
  const { pid } = await running.start("e");
  const created = await fixture.create("b", FOREVER);
  const paused = await fixture.run("c", FOREVER);
  await paused.pause();
  const pids = [running.pid, pid, created.pid, paused.pid];
  mkdirSync(join(fixture.dir, "d"));
  await fixture.host[Symbol.asyncDispose]();
  expect(pids.map(isGone)).toEqual([true, true, true, true]);
  expect(fixture.host.tasks()).toEqual([]);
});
