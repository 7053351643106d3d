// The task manager with real shims and real runc: shims that die or hang, and requests that would make them.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CreateTaskOptions } from "../../api/core/task.js";
import { anyOfMessage, PROCESS_TYPE } from "../../api/core/typeurl.js";
import { CheckpointOptions } from "../../api/gen/types/runc/options/oci.js";
import { hang } from "../helpers/hang.js";
import { pidsWithArgument, warmShimIds } from "../helpers/leftovers.js";
import { requires } from "../helpers/requires.js";
import { FOREVER, NO_STDIO, TaskHost } from "../helpers/task-host.js";
import { until } from "../helpers/until.js";

const lacking = requires.runc();

const CREATE: CreateTaskOptions = { ...NO_STDIO, rootfs: [] };

let host: TaskHost;
beforeEach(async () => {
  host = await TaskHost.start();
});
afterEach(async () => {
  await host[Symbol.asyncDispose]();
});

describe.skipIf(lacking)("when shims misbehave", () => {
  test("a shim that is killed: one exit, one delete, nothing left", async () => {
    const pid = await host.running("t");
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
    await host.running("t", ["sh", "-c", "exit 3"]);
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
    const pid = await host.running("hung");
    await host.running("well");
    const shim = await host.shimPid("hung");
    await hang(shim);
    try {
      const statuses = (await host.tasks.list(host.ctx)).map(({ containerId, status }) => [containerId, status]);
      expect(statuses.sort()).toEqual([
        ["hung", "running"],
        ["well", "running"],
      ]);
      const asking = host.tasks.get(host.ctx, "hung", "");
      await host.ended("well");
      await host.tasks.delete(host.ctx, "well");
      await host.running("another");
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
    await host.running("t");
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
      await host.running("t");
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
    await host.running("t");
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

/** For a shim whose container has no process any more to ask for its parent. */
async function pidOfShim(id: string): Promise<number> {
  const all = (await pidsWithArgument(host.namespace)).filter((found) => found !== process.pid);
  const warm = await warmShimIds(host.stateDir, host.namespace);
  const ofWarm = new Set((await Promise.all(warm.map(pidsWithArgument))).flat());
  const pid = all.find((found) => !ofWarm.has(found));
  if (pid === undefined) throw new Error(`no shim of ${id}`);
  return pid;
}
