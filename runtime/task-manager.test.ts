// The manager's own part, on the fake driver: lookups, events, and that nobody waits for somebody else's shim.
import { beforeEach, describe, expect, test } from "vitest";
import { type Any, anyOfMessage } from "../api/core/typeurl.js";
import { TaskDelete, TaskExecStarted, TaskExit } from "../api/gen/events/task.js";
import { CREATE, execOf, FakeTasks, FOREVER } from "../test/helpers/fake-tasks.js";
import type { MemoryLedger } from "../test/helpers/memory-stores.js";
import type { FakeWorld } from "./drivers/fake/driver.js";
import type { TaskManager } from "./task-manager.js";

const ctx = { namespace: "ns" };

let host: FakeTasks;
let world: FakeWorld;
let ledger: MemoryLedger;
let tasks: TaskManager;

beforeEach(() => {
  host = new FakeTasks();
  ({ world, ledger, tasks } = host);
});

const container: FakeTasks["container"] = (...args) => host.container(...args);
const running: FakeTasks["running"] = (...args) => host.running(...args);

const topics = (): string[] => ledger.events.map(({ topic }) => topic);
const refusal = (kind: string, message: string): unknown => expect.objectContaining({ kind, message });

describe("lookups", () => {
  const calls: [string, (id: string) => Promise<unknown>][] = [
    ["start", (id) => tasks.start(ctx, id, "")],
    ["delete", (id) => tasks.delete(ctx, id)],
    ["get", (id) => tasks.get(ctx, id, "")],
    ["kill", (id) => tasks.kill(ctx, id, "", { signal: 9, all: false })],
    ["exec", (id) => tasks.exec(ctx, id, "e", execOf("true"))],
    ["resizePty", (id) => tasks.resizePty(ctx, id, "", { width: 1, height: 1 })],
    ["closeIO", (id) => tasks.closeIO(ctx, id, "", { stdin: true })],
    ["pause", (id) => tasks.pause(ctx, id)],
    ["resume", (id) => tasks.resume(ctx, id)],
    ["pids", (id) => tasks.pids(ctx, id)],
    ["checkpoint", (id) => tasks.checkpoint(ctx, id, undefined)],
    ["update", (id) => tasks.update(ctx, id, { resources: undefined, annotations: {} })],
    ["wait", (id) => tasks.wait(ctx, id, "")],
  ];

  test.each(calls)("%s looks for the container, then for the task", async (_name, call) => {
    container("c");
    await expect(call("x")).rejects.toEqual(refusal("not_found", 'container "x" in namespace "ns": not found'));
    await expect(call("")).rejects.toEqual(refusal("not_found", 'container "" in namespace "ns": not found'));
    await expect(call("c")).rejects.toEqual(refusal("not_found", "task c not found"));
  });

  test("every call wants a namespace", async () => {
    const error = refusal("failed_precondition", "namespace is required: failed precondition");
    await expect(tasks.create({}, "c", CREATE)).rejects.toEqual(error);
    await expect(tasks.list({})).rejects.toEqual(error);
    await expect(tasks.metrics({})).rejects.toEqual(error);
    await expect(tasks.wait({}, "c", "")).rejects.toEqual(error);
  });

  test("then for the exec", async () => {
    await running("c");
    const error = refusal("not_found", "process does not exist x: not found");
    await expect(tasks.start(ctx, "c", "x")).rejects.toEqual(error);
    await expect(tasks.wait(ctx, "c", "x")).rejects.toEqual(error);
    await expect(tasks.deleteProcess(ctx, "c", "x")).rejects.toEqual(error);
  });

  test("a task of another namespace is not there", async () => {
    await running("c");
    expect(await tasks.list({ namespace: "other" })).toEqual([]);
  });
});

describe("the life of a task", () => {
  test("one task per container, and again after delete", async () => {
    container("c");
    const both = await Promise.allSettled([tasks.create(ctx, "c", CREATE), tasks.create(ctx, "c", CREATE)]);
    expect(both.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    await expect(tasks.create(ctx, "c", CREATE)).rejects.toEqual(refusal("already_exists", "task c: already exists"));
    await tasks.delete(ctx, "c");
    await tasks.create(ctx, "c", CREATE);
  });

  test("events of a driver that tells none, in a shim's order", async () => {
    await running("c");
    await tasks.exec(ctx, "c", "e", execOf("sh", "-c", "exit 4"));
    await tasks.start(ctx, "c", "e");
    expect(await tasks.wait(ctx, "c", "e")).toMatchObject({ exitStatus: 4 });
    await tasks.deleteProcess(ctx, "c", "e");
    await tasks.pause(ctx, "c");
    await tasks.resume(ctx, "c");
    await tasks.kill(ctx, "c", "", { signal: 9, all: true });
    await tasks.wait(ctx, "c", "");
    await tasks.delete(ctx, "c");
    expect(topics()).toEqual([
      "/tasks/create",
      "/tasks/start",
      "/tasks/exec-added",
      "/tasks/exec-started",
      "/tasks/exit",
      "/tasks/paused",
      "/tasks/resumed",
      "/tasks/exit",
      "/tasks/delete",
    ]);
    const exits = ledger.events.filter(({ topic }) => topic === "/tasks/exit");
    expect(exits.map(({ event }) => TaskExit.decode(event?.value ?? Buffer.alloc(0)))).toMatchObject([
      { id: "e", exitStatus: 4 },
      { id: "c", exitStatus: 137 },
    ]);
  });

  test("a task that ends at once was started first", async () => {
    await running("c", ["true"]);
    await tasks.wait(ctx, "c", "");
    await tasks.delete(ctx, "c");
    expect(topics()).toEqual(["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"]);
  });

  test("a task that vanishes is told of once, and is gone", async () => {
    const pid = await running("c");
    await running("d", ["sh", "-c", "exit 3"]);
    await tasks.wait(ctx, "d", "");
    await world.vanish("ns", "c");
    await world.vanish("ns", "d");
    const decoded = ledger.events.flatMap(({ topic, event }) => {
      const bytes = event?.value ?? Buffer.alloc(0);
      if (topic === "/tasks/exit") return [{ topic, ...TaskExit.decode(bytes) }];
      return topic === "/tasks/delete" ? [{ topic, ...TaskDelete.decode(bytes) }] : [];
    });
    const of = (id: string): unknown[] =>
      decoded.filter(({ containerId }) => containerId === id).map(({ topic, exitStatus }) => [topic, exitStatus]);
    expect(of("c")).toEqual([
      ["/tasks/exit", 137],
      ["/tasks/delete", 137],
    ]);
    expect(of("d")).toEqual([
      ["/tasks/exit", 3],
      ["/tasks/delete", 3],
    ]);
    expect(decoded.find(({ containerId }) => containerId === "c")).toMatchObject({ pid });
    expect(await tasks.list(ctx)).toEqual([]);
    await expect(tasks.get(ctx, "c", "")).rejects.toEqual(refusal("not_found", "task c not found"));
    await tasks.create(ctx, "c", CREATE);
  });

  test("the next manager finds the tasks, and hears of their ends", async () => {
    const pid = await running("c");
    await tasks.exec(ctx, "c", "e", execOf(...FOREVER));
    await tasks.start(ctx, "c", "e");
    await tasks[Symbol.asyncDispose]();
    tasks = host.restart();
    await tasks.load();
    expect(await tasks.list(ctx)).toMatchObject([{ containerId: "c", execId: "", pid, status: "running" }]);
    await tasks.kill(ctx, "c", "e", { signal: 9, all: false });
    expect(await tasks.wait(ctx, "c", "e")).toMatchObject({ exitStatus: 137 });
    await tasks.kill(ctx, "c", "", { signal: 9, all: false });
    await tasks.wait(ctx, "c", "");
    await tasks.delete(ctx, "c");
    expect(topics().slice(-2)).toEqual(["/tasks/exit", "/tasks/delete"]);
  });
});

describe("a runtime that does not answer", () => {
  test("holds up nobody else, and what was known last is told", async () => {
    const pid = await running("hung");
    await running("well");
    const hung = world.container("ns", "hung");
    hung.isSilent = true;
    expect(await tasks.get(ctx, "hung", "")).toMatchObject({ status: "running", pid });
    const listed = await tasks.list(ctx);
    expect(listed.map(({ containerId, status }) => [containerId, status])).toEqual([
      ["hung", "running"],
      ["well", "running"],
    ]);
    expect((await tasks.metrics(ctx)).map(({ id }) => id)).toEqual(["well"]);
    const patience = new AbortController();
    const killing = tasks.kill({ ...ctx, signal: patience.signal }, "hung", "", { signal: 9, all: false });
    const deleting = tasks.delete(ctx, "well").catch(() => "refused");
    expect(await deleting).toBe("refused");
    patience.abort();
    await expect(killing).rejects.toMatchObject({ kind: "cancelled" });
    hung.isSilent = false;
    await tasks.kill(ctx, "hung", "", { signal: 9, all: false });
    expect(await tasks.wait(ctx, "hung", "")).toMatchObject({ exitStatus: 137 });
  });

  test("after a restart is asked again behind the listing's back", async () => {
    await running("c");
    await tasks[Symbol.asyncDispose]();
    world.container("ns", "c").isSilent = true;
    tasks = host.restart();
    await tasks.load();
    expect(await tasks.list(ctx)).toMatchObject([{ status: "unknown" }]);
    world.container("ns", "c").isSilent = false;
    await tasks.list(ctx);
    expect(await tasks.list(ctx)).toMatchObject([{ status: "running" }]);
  });
});

describe("events from shims", () => {
  const forward = (topic: string, event: Any): Promise<void> =>
    tasks.forward({ timestampNs: 5n, namespace: "ns", topic, event });
  const exited = (id: string, pid: number, exitStatus: number): Promise<void> =>
    forward(
      "/tasks/exit",
      anyOfMessage(
        "containerd.events.TaskExit",
        TaskExit,
        TaskExit.fromPartial({ containerId: "c", id, pid, exitStatus, exitedAt: { seconds: 9n, nanos: 0 } }),
      ),
    );

  test("are kept, and teach how a task ended", async () => {
    const pid = await running("c");
    await exited("c", pid, 9);
    expect(topics().at(-1)).toBe("/tasks/exit");
    expect(await tasks.list(ctx)).toMatchObject([{ status: "stopped", exitStatus: 9, exitedAtNs: 9_000_000_000n }]);
    expect(await tasks.wait(ctx, "c", "")).toEqual({ pid, exitStatus: 9, exitedAtNs: 9_000_000_000n });
  });

  test("of a former task or a former exec are not taken for those of today's", async () => {
    const pid = await running("c");
    await exited("c", pid - 1, 9);
    expect(await tasks.list(ctx)).toMatchObject([{ status: "running" }]);
    await tasks.exec(ctx, "c", "e", execOf(...FOREVER));
    // The events of the first exec come when a second one has taken its id.
    world.container("ns", "c").execs.get("e")?.end(0);
    await tasks.exec(ctx, "c", "f", execOf("true"));
    await forward(
      "/tasks/exec-started",
      anyOfMessage(
        "containerd.events.TaskExecStarted",
        TaskExecStarted,
        TaskExecStarted.fromPartial({ containerId: "c", execId: "f", pid: 5 }),
      ),
    );
    await tasks.deleteProcess(ctx, "c", "f");
    await tasks.exec(ctx, "c", "f", execOf(...FOREVER));
    await tasks.start(ctx, "c", "f");
    await exited("f", 5, 1);
    await expect(tasks.get(ctx, "c", "f")).resolves.toMatchObject({ status: "running" });
  });

  test("that cannot be read are kept all the same", async () => {
    await forward("/tasks/exit", { typeUrl: "x", value: Buffer.from([0xff]) });
    expect(topics()).toEqual(["/tasks/exit"]);
  });
});

test("metrics: chosen by id and namespace", async () => {
  await running("a");
  await running("b");
  const ids = async (...filters: string[]): Promise<string[]> =>
    (await tasks.metrics(ctx, filters)).map(({ id }) => id).sort();
  expect(await ids()).toEqual(["a", "b"]);
  expect(await ids("id==a")).toEqual(["a"]);
  expect(await ids("namespace==ns")).toEqual(["a", "b"]);
  expect(await ids("namespace==other")).toEqual([]);
  expect(await ids("image==x")).toEqual([]);
  await expect(ids("id==")).rejects.toMatchObject({
    kind: "unknown",
    message: expect.stringMatching(/^filters: parse error: /),
  });
});
