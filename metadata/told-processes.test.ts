import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import type { EventEnvelope } from "../api/core/event.js";
import { anyOfMessage } from "../api/core/typeurl.js";
import { TaskCreate, TaskDelete, TaskExecStarted, TaskExit, TaskStart } from "../api/gen/events/task.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";
import type { Metadata } from "./index.js";

let scope: DisposeScope;
let metadata: Metadata;
let nowNs: bigint;

beforeEach(async () => {
  scope = new DisposeScope();
  nowNs = 1_700_000_000_000_000_000n;
  metadata = await temporaryMetadata(scope, { clock: () => nowNs });
});

afterEach(() => scope[Symbol.asyncDispose]());

const envelope = (topic: string, event: EventEnvelope["event"]): EventEnvelope => ({
  timestampNs: nowNs,
  namespace: "ns",
  topic,
  event,
});

const created = (containerId: string, pid: number) =>
  envelope(
    "/tasks/create",
    anyOfMessage("containerd.events.TaskCreate", TaskCreate, TaskCreate.fromPartial({ containerId, pid })),
  );
const started = (containerId: string, pid: number) =>
  envelope(
    "/tasks/start",
    anyOfMessage("containerd.events.TaskStart", TaskStart, TaskStart.fromPartial({ containerId, pid })),
  );
const execStarted = (containerId: string, execId: string, pid: number) =>
  envelope(
    "/tasks/exec-started",
    anyOfMessage(
      "containerd.events.TaskExecStarted",
      TaskExecStarted,
      TaskExecStarted.fromPartial({ containerId, execId, pid }),
    ),
  );
const exited = (containerId: string, id: string, pid: number, exitStatus = 0) =>
  envelope(
    "/tasks/exit",
    anyOfMessage("containerd.events.TaskExit", TaskExit, TaskExit.fromPartial({ containerId, id, pid, exitStatus })),
  );
const deleted = (containerId: string, pid: number) =>
  envelope(
    "/tasks/delete",
    anyOfMessage("containerd.events.TaskDelete", TaskDelete, TaskDelete.fromPartial({ containerId, pid })),
  );

const tell = (...envelopes: EventEnvelope[]) => metadata.events.tell(envelopes);

async function topics(): Promise<string[]> {
  const seen: string[] = [];
  await metadata.events.append([envelope("/end", undefined)]);
  for await (const { topic } of metadata.events.subscribe({ after: 0n })) {
    if (topic === "/end") break;
    seen.push(topic);
  }
  return seen;
}

const process = (execId: string, pid: number, hasExited = false) => ({
  namespace: "ns",
  containerId: "c",
  execId,
  pid,
  hasExited,
});

describe("tell", () => {
  const life = () => [created("c", 7), started("c", 7), exited("c", "c", 7), deleted("c", 7)];

  test("what comes again is told once", async () => {
    await tell(...life());
    await tell(...life());
    await tell(...life());
    expect(await topics()).toEqual(["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"]);
  });

  test("the next task of the same container is another one", async () => {
    await tell(...life(), created("c", 8), exited("c", "c", 8), exited("c", "c", 7));
    expect((await topics()).slice(4)).toEqual(["/tasks/create", "/tasks/exit"]);
  });

  test("a task without a pid is another one when it comes again, and is the same when it has one", async () => {
    await tell(created("c", 0), exited("c", "c", 0), deleted("c", 0));
    await tell(created("c", 0), created("c", 0));
    expect((await topics()).slice(3)).toEqual(["/tasks/create"]);
    // Nobody has told of its start.
    await tell(exited("c", "c", 9), deleted("c", 9));
    expect(await metadata.events.openProcesses()).toEqual([]);
  });

  test("the same exec id may run again, with another pid", async () => {
    await tell(created("c", 7), execStarted("c", "e", 8), exited("c", "e", 8), exited("c", "e", 8));
    await tell(execStarted("c", "e", 9), exited("c", "e", 9));
    expect((await topics()).filter((topic) => topic === "/tasks/exit")).toHaveLength(2);
  });

  test("an exec with the id of its container is not its task", async () => {
    await tell(created("c", 7), execStarted("c", "c", 8), exited("c", "c", 8), exited("c", "c", 8));
    expect(await metadata.events.openProcesses()).toEqual([process("", 7)]);
    await tell(exited("c", "c", 7));
    expect((await topics()).filter((topic) => topic === "/tasks/exit")).toHaveLength(2);
  });

  test("other events and those that cannot be read are appended as they come", async () => {
    const broken = envelope("/tasks/exit", { typeUrl: "containerd.events.TaskExit", value: Buffer.from([0xff]) });
    const paused = envelope("/tasks/paused", undefined);
    await tell(broken, paused, broken, paused);
    expect(await topics()).toEqual(["/tasks/exit", "/tasks/paused", "/tasks/exit", "/tasks/paused"]);
  });

  test("append asks nobody: what a client publishes is its own business", async () => {
    await metadata.events.append([exited("c", "c", 7), exited("c", "c", 7)]);
    await tell(exited("c", "c", 7));
    expect(await topics()).toHaveLength(3);
  });

  test("an event of nobody's topic is refused like any other", async () => {
    await expect(tell({ ...deleted("c", 7), topic: "tasks" })).rejects.toThrow("topic");
  });

  test("a minute after its end a process is forgotten with the next one that comes", async () => {
    await tell(...life());
    nowNs += 61_000_000_000n;
    await tell(created("d", 9), exited("c", "c", 7));
    expect((await topics()).slice(4)).toEqual(["/tasks/create", "/tasks/exit"]);
  });
});

describe("openProcesses", () => {
  test("tasks until their delete, execs until their exit", async () => {
    await tell(created("c", 7), started("c", 7), execStarted("c", "e", 8), execStarted("c", "f", 9));
    expect(await metadata.events.openProcesses()).toEqual([process("", 7), process("e", 8), process("f", 9)]);
    await tell(exited("c", "e", 8), exited("c", "c", 7));
    expect(await metadata.events.openProcesses()).toEqual([process("", 7, true), process("f", 9)]);
    await tell(deleted("c", 7), exited("c", "f", 9));
    expect(await metadata.events.openProcesses()).toEqual([]);
  });

  test("those of one container when it is named", async () => {
    await tell(created("c", 7), created("d", 8));
    expect(await metadata.events.openProcesses({ namespace: "ns", containerId: "c" })).toEqual([process("", 7)]);
    expect(await metadata.events.openProcesses({ namespace: "other", containerId: "c" })).toEqual([]);
  });

  test("an exit told before its start leaves nothing open", async () => {
    await tell(created("c", 7), exited("c", "e", 8), execStarted("c", "e", 8), exited("c", "e", 8));
    expect(await metadata.events.openProcesses()).toEqual([process("", 7)]);
    expect(await topics()).toEqual(["/tasks/create", "/tasks/exit", "/tasks/exec-started"]);
  });

  test("a restored task is known by the pid of its start", async () => {
    await tell(created("c", 0));
    expect(await metadata.events.openProcesses()).toEqual([process("", 0)]);
    await tell(started("c", 7));
    expect(await metadata.events.openProcesses()).toEqual([process("", 7)]);
  });
});
