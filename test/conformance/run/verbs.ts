// The verbs of tasks: signals, further processes, pauses, figures, finding one again, removing it.
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { isInvalidArgument } from "../../../api/core/errors.js";
import { until } from "../../helpers/until.js";
import type { RunWorld } from "./world.js";

export function runVerbs(world: () => RunWorld): void {
  test("signals by name and number", async () => {
    for (const signal of ["SIGTERM", "TERM", 15] as const) {
      const task = await world().forever();
      await task.kill(signal);
      expect(await task.wait()).toMatchObject({ exitStatus: 9 });
      await expect(task.kill()).rejects.toMatchObject({ kind: "not_found" });
    }
    await using task = await world().forever();
    await expect(task.kill("SIGNOPE")).rejects.toMatchObject({ kind: "invalid_argument" });
  });

  test("waiting can be given up, and the process does not mind", async () => {
    await using task = await world().forever();
    await expect(task.wait({ signal: AbortSignal.timeout(50) })).rejects.toMatchObject({ kind: "deadline_exceeded" });
    await expect(task.wait({ signal: AbortSignal.abort() })).rejects.toMatchObject({ kind: "cancelled" });
    expect(await task.state()).toMatchObject({ status: "running" });
  });

  describe("exec", () => {
    test("with streams, environment, folder and status of its own", async () => {
      await using task = await world().forever();
      const script = "cat; pwd; echo $MORE >&2; exit 3";
      const child = await task.exec({ args: ["/bin/sh", "-c", script], env: { MORE: "more" }, cwd: "/tmp" });
      expect(child.pid).not.toBe(task.pid);
      expect(await child.output({ input: "in " })).toMatchObject({
        exitStatus: 3,
        stdout: "in /tmp\n",
        stderr: "more\n",
      });
      await expect(child.state()).rejects.toMatchObject({ kind: "not_found" });
      expect(await task.pids()).not.toEqual([]);
    });

    test("on a terminal", async () => {
      await using task = await world().forever();
      const child = await task.exec({ args: ["/bin/sh", "-c", "tty >/dev/null && echo yes"], terminal: true });
      expect(await text(child.stdout)).toBe("yes\r\n");
    });

    test("a timeout, an abort and disposing end it, and the task goes on", async () => {
      await using task = await world().forever();
      const args = ["/bin/sh", "-c", "while :; do sleep 0.05; done"];
      const late = await task.exec({ args, timeoutMs: 100 });
      expect(await late.wait()).toMatchObject({ exitStatus: 137, timedOut: true });
      const abort = new AbortController();
      const given = await task.exec({ args, signal: abort.signal });
      abort.abort();
      await expect(given.wait()).rejects.toMatchObject({ kind: "cancelled" });
      const disposed = await task.exec({ args });
      await disposed[Symbol.asyncDispose]();
      await expect(disposed.state()).rejects.toMatchObject({ kind: "not_found" });
      expect(await task.state()).toMatchObject({ status: "running" });
    });

    test("what cannot be run is refused, and leaves nothing", async () => {
      await using task = await world().forever();
      const id = world().freshId();
      await expect(task.exec({ id, args: ["/nope"] })).rejects.toMatchObject({ kind: "unknown" });
      await expect(task.exec({ id: "../x", args: ["true"] })).rejects.toMatchObject({ kind: "invalid_argument" });
      await expect(task.exec({ args: [] })).rejects.toMatchObject({ kind: "invalid_argument" });
      await task.delete({ force: true });
      expect(await world().left()).toEqual([]);
    });
  });

  test("pause and resume", async () => {
    await using task = await world().forever();
    await task.pause();
    expect(await task.state()).toMatchObject({ status: "paused" });
    await task.resume();
    expect(await task.state()).toMatchObject({ status: "running" });
  });

  test("limits, and what it uses", async () => {
    const limits = { memoryBytes: 64 * 1024 * 1024, cpus: 0.5, pids: 50 };
    const made = world().forever({ limits });
    if (process.getuid?.() !== 0 && (await isRefused(made))) return;
    await using task = await made;
    const usage = await task.metrics();
    expect(usage).toMatchObject({ memoryLimitBytes: 64n * 1024n * 1024n });
    expect(usage.memoryBytes).toBeGreaterThan(0n);
    expect(usage.pids).toBeGreaterThan(0n);
    expect(usage.cpuNs).toBeGreaterThan(0n);
    expect((usage.v1 ?? usage.v2)?.pids?.limit).toBe(50n);
  });

  test("found again, with its streams", async () => {
    const { client } = world();
    const made = await world().forever({ remove: false, labels: { mine: "yes" } });
    const found = await client.task(made.id);
    expect(found).toMatchObject({ id: made.id, pid: made.pid, execId: "" });
    await found.kill();
    expect(await found.wait()).toMatchObject({ exitStatus: 9 });
    expect(await made.wait()).toMatchObject({ exitStatus: 9 });
    await found[Symbol.asyncDispose]();
    expect((await client.containers.get({}, made.id)).labels).toMatchObject({ mine: "yes" });
    await (await client.task(made.id)).delete();
    await found.delete();
    expect(await world().left()).toEqual([]);
    await expect(client.task(made.id)).rejects.toMatchObject({ kind: "not_found" });
  });

  test("delete refuses what runs, unless forced", async () => {
    const task = await world().forever({ remove: false });
    await expect(task.delete()).rejects.toMatchObject({ kind: "failed_precondition" });
    await task.delete({ force: true });
    await task.delete();
    expect(await world().left()).toEqual([]);
  });

  test("what happened, as events", async () => {
    const { client } = world();
    const abort = new AbortController();
    const id = world().freshId();
    const topics = ["/tasks/start", "/tasks/exit", "/tasks/delete"] as const;
    const seen: [string, number | undefined][] = [];
    const following = (async () => {
      for await (const event of client.events.follow({ topics, signal: abort.signal })) {
        if (event.payload.containerId !== id) continue;
        seen.push([event.topic, event.topic === "/tasks/start" ? undefined : event.payload.exitStatus]);
        if (event.topic === "/tasks/delete") break;
      }
    })();
    following.catch(() => undefined);
    // Nobody tells when a subscription has taken effect: an event of ours that comes back does.
    await until("the events to flow", async () => {
      const probe = await world().run("exit 6", { id });
      await probe.wait();
      return seen.length > 0;
    });
    await following;
    expect(seen.slice(-3)).toEqual([
      ["/tasks/start", undefined],
      ["/tasks/exit", 6],
      ["/tasks/delete", 6],
    ]);
    abort.abort();
  });
}

/** A user may have no control group, and is told so. */
async function isRefused(made: Promise<unknown>): Promise<boolean> {
  const error: unknown = await made.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!isInvalidArgument(error)) return false;
  expect(error).toMatchObject({ message: expect.stringContaining("limits take a control group") });
  return true;
}
