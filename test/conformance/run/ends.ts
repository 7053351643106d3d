// How tasks end that do not just exit, and runs that never come to be: each time nothing is left.
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import type { RunOptions } from "../../../api/client/index.js";
import { until } from "../../helpers/until.js";
import type { RunWorld } from "./world.js";

export function runEnds(world: () => RunWorld): void {
  const expectClean = async (): Promise<void> => expect(await world().left()).toEqual([]);

  test("disposing", async () => {
    {
      await using task = await world().forever();
      expect(await task.state()).toMatchObject({ status: "running" });
    }
    await expectClean();
    {
      await using task = await world().forever({ remove: false });
      await task.kill();
      await task.wait();
      expect(await task.state()).toMatchObject({ status: "stopped" });
    }
    await expectClean();
  });

  test("a consumer that throws", async () => {
    const failing = async (): Promise<void> => {
      await using task = await world().run("while :; do echo line; sleep 0.01; done");
      for await (const line of createInterface(task.stdout)) throw new Error(`enough: ${line}`);
    };
    await expect(failing()).rejects.toThrow("enough: line");
    await expectClean();
  });

  test("a timeout, with what was said until then", async () => {
    const task = await world().run("echo begun; while :; do sleep 0.05; done", { timeoutMs: 1_500 });
    expect(await task.output()).toMatchObject({ exitStatus: 137, timedOut: true, stdout: "begun\n" });
    await expectClean();
  });

  test("children that keep the output open do not outlive it", async () => {
    const task = await world().run("(while :; do sleep 0.05; done) & echo ready; exit 2");
    expect(await task.output()).toMatchObject({ exitStatus: 2, stdout: "ready\n" });
    await expectClean();
  });

  describe("an abort", () => {
    test("before anything", async () => {
      await expect(world().run("true", { signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: "cancelled" });
      await expectClean();
    });

    test("while it runs", async () => {
      const abort = new AbortController();
      const task = await world().forever({ signal: abort.signal });
      abort.abort();
      await expect(task.wait()).rejects.toMatchObject({ kind: "cancelled" });
      await expectClean();
    });

    test("by a timeout is told as one", async () => {
      // What AbortSignal.timeout() says, however long the start takes.
      const timeout = new AbortController();
      const task = await world().forever({ signal: timeout.signal });
      timeout.abort(new DOMException("The operation was aborted due to timeout", "TimeoutError"));
      await expect(task.output()).rejects.toMatchObject({ kind: "deadline_exceeded" });
      await expectClean();
    });

    test("after it ended is of no matter", async () => {
      const abort = new AbortController();
      const task = await world().run("exit 3", { signal: abort.signal });
      expect(await task.wait()).toMatchObject({ exitStatus: 3 });
      abort.abort();
      expect(await task.wait()).toMatchObject({ exitStatus: 3 });
    });

    // So many steps of the way that each of its stages is met.
    test.each(Array.from({ length: 12 }, (_, step) => step * 12))("%i ms after the call", async (afterMs) => {
      const abort = new AbortController();
      const made = world().run("while :; do sleep 0.05; done", { signal: abort.signal });
      setTimeout(() => abort.abort(), afterMs);
      const ended = made.then((task) => task.wait());
      await expect(ended).rejects.toMatchObject({ kind: "cancelled" });
      await until("nothing to be left", async () => (await world().left()).length === 0);
    });
  });

  test("somebody else removes it", async () => {
    const { client } = world();
    const task = await world().forever();
    await client.tasks.kill({}, task.id, "", { signal: 9, all: true });
    // run() removes it as well: whoever comes second finds the task gone, or containerd's connection to it closed.
    await client.tasks.wait({}, task.id, "").catch(() => undefined);
    await client.tasks.delete({}, task.id).catch(() => undefined);
    await client.containers.delete({}, task.id).catch(() => undefined);
    expect(await task.wait()).toMatchObject({ exitStatus: 137 });
    await task[Symbol.asyncDispose]();
    await expectClean();
  });

  test("an id that is taken is refused, and whose it is goes on", async () => {
    await using task = await world().forever();
    await expect(world().run("true", { id: task.id })).rejects.toMatchObject({ kind: "already_exists" });
    expect(await task.state()).toMatchObject({ status: "running" });
  });

  test("a program that cannot be run", async () => {
    const options = world().options("true");
    await expect(world().client.run({ ...options, args: ["/nope/at/all"] })).rejects.toMatchObject({
      message: expect.stringContaining("/nope/at/all"),
    });
    const isTheirs = world().differences.unknownUser !== undefined;
    await expect(world().client.run({ ...options, user: "nobody-knows" })).rejects.toMatchObject({
      kind: isTheirs ? "unknown" : "not_found",
      message: expect.stringContaining("nobody-knows"),
    });
    await expect(world().client.run({ ...options, runtime: "io.nope.v9" })).rejects.toThrow();
    await expectClean();
  });

  test.each<[string, unknown]>([
    ["nothing to run", {}],
    ["two things to run", { rootfs: "/", process: true, args: ["true"] }],
    ["no options", undefined],
    ["a process without args", { process: true }],
    ["args that are none", { rootfs: "/", args: "true" }],
    ["an id that leads elsewhere", { rootfs: "/", id: "../../x" }],
    ["a folder that is none", { rootfs: "/nope/at/all" }],
    ["an environment that cannot be", { rootfs: "/", env: { "A=B": "c" } }],
    ["a limit that is none", { rootfs: "/", limits: { memoryBytes: -1 } }],
    ["a timeout that is none", { rootfs: "/", timeoutMs: 0 }],
    ["a relative folder", { rootfs: "/", cwd: "here" }],
    ["a lifetime that nobody knows", { rootfs: "/", lifetime: "forever" }],
  ])("%s is refused", async (_, options) => {
    // As JavaScript would call it.
    await expect(world().client.run(options as RunOptions)).rejects.toMatchObject({ kind: "invalid_argument" });
    await expectClean();
  });
}
