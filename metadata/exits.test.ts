import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import type { EventEnvelope } from "../api/core/event.js";
import type { ExitRecord, ExitRequest, ListExitsOptions } from "../api/core/exit-record.js";
import { type TaskVerdict, taskVerdictCodec, VERDICT_TOPICS } from "../api/core/task-verdict.js";
import { toTimestamp } from "../api/core/time.js";
import { anyOfMessage } from "../api/core/typeurl.js";
import { TaskCreate, TaskDelete, TaskExecStarted, TaskExit, TaskOOM, TaskStart } from "../api/gen/events/task.js";
import { failure } from "../test/conformance/failure.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";
import { tempDir } from "../test/helpers/temp.js";
import type { Metadata, MetadataOptions } from "./index.js";

const SECOND = 1_000_000_000n;
const START = 1_700_000_000n * SECOND;

let scope: DisposeScope;
let metadata: Metadata;
let nowNs = START;

async function open(options: Partial<MetadataOptions> = {}): Promise<void> {
  metadata = await temporaryMetadata(scope, { clock: () => nowNs, ...options });
}

beforeEach(async () => {
  scope = new DisposeScope();
  nowNs = START;
  await open();
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
const exited = (containerId: string, pid: number, exitStatus: number, id = containerId) =>
  envelope(
    "/tasks/exit",
    anyOfMessage(
      "containerd.events.TaskExit",
      TaskExit,
      TaskExit.fromPartial({ containerId, id, pid, exitStatus, exitedAt: toTimestamp(nowNs) }),
    ),
  );
const deleted = (containerId: string, pid: number) =>
  envelope(
    "/tasks/delete",
    anyOfMessage("containerd.events.TaskDelete", TaskDelete, TaskDelete.fromPartial({ containerId, pid })),
  );
const oom = (containerId: string) =>
  envelope("/tasks/oom", anyOfMessage("containerd.events.TaskOOM", TaskOOM, TaskOOM.fromPartial({ containerId })));
const verdict = (kind: keyof typeof VERDICT_TOPICS, values: Partial<TaskVerdict>) =>
  envelope(
    VERDICT_TOPICS[kind],
    taskVerdictCodec.encode({
      containerId: "web",
      execId: "",
      pid: 7,
      exitStatus: 255,
      isExitKnown: false,
      reason: "why",
      ...values,
    }),
  );

const tell = (...envelopes: EventEnvelope[]) => metadata.events.tell(envelopes);
const request = (signal: number, more: Partial<ExitRequest> = {}): ExitRequest => ({
  ...{ timeNs: nowNs, signal, pid: 12, uid: 1000, gid: 100, by: "berth stop" },
  ...more,
});
const asks = (value: ExitRequest | undefined, execId = "") =>
  metadata.events.noteRequest({ namespace: "ns", containerId: "web", execId }, value);

async function list(options: ListExitsOptions = {}, namespace = "ns"): Promise<ExitRecord[]> {
  const records: ExitRecord[] = [];
  for await (const record of metadata.exits.list({ namespace }, options)) records.push(record);
  return records;
}

/** A task from its creation to its deletion. */
async function run(id: string, pid: number, exitStatus: number): Promise<void> {
  await tell(created(id, pid), started(id, pid));
  nowNs += SECOND;
  await tell(exited(id, pid, exitStatus), deleted(id, pid));
}

test("an end is remembered with the event that tells it, counted by its container's name, newest first", async () => {
  await metadata.containers.create(
    { namespace: "ns" },
    {
      ...{
        id: "web",
        image: "docker.io/library/web:1",
        labels: {},
        snapshotter: "",
        snapshotKey: "",
        sandbox: "",
        extensions: {},
      },
      runtime: { name: "io.containerd.runc.v2", options: undefined },
      spec: { typeUrl: "t", value: Buffer.from("{}") },
    },
  );
  await run("web", 7, 3);
  await metadata.containers.delete({ namespace: "ns" }, "web");
  await run("web", 8, 0);
  await run("other", 9, 1);
  expect(await list()).toEqual([
    expect.objectContaining({ containerId: "other", attempt: 1 }),
    expect.objectContaining({ containerId: "web", attempt: 2, exitStatus: 0, image: "" }),
    {
      ...{ containerId: "web", execId: "", attempt: 1, pid: 7, exitStatus: 3, signal: undefined, isOutOfMemory: false },
      ...{ startedAtNs: START, exitedAtNs: START + SECOND, requested: undefined, message: "", lastLines: [] },
      ...{ image: "docker.io/library/web:1", runtime: "io.containerd.runc.v2" },
    },
  ]);
});

test("told twice is remembered once, and every namespace has its own", async () => {
  await run("web", 7, 3);
  await tell(exited("web", 7, 3));
  expect(await list()).toHaveLength(1);
  expect(await list({}, "other")).toEqual([]);
});

test("a start that is told behind its exit still counts, and no other task with it", async () => {
  await tell(created("web", 7), exited("web", 7, 0), started("web", 7));
  expect(await list()).toEqual([expect.objectContaining({ attempt: 1, startedAtNs: START })]);
});

test("nothing ends before it started, whenever its start was told", async () => {
  const ended = exited("web", 7, 0);
  nowNs += 1_000_000n;
  await tell(created("web", 7), started("web", 7), ended);
  expect(await list()).toEqual([expect.objectContaining({ startedAtNs: START, exitedAtNs: START })]);
});

test("a task whose create nobody told is a new one", async () => {
  await run("web", 7, 3);
  await tell(started("web", 8), exited("web", 8, 4));
  expect((await list()).map(({ attempt, exitStatus }) => [attempt, exitStatus])).toEqual([
    [2, 4],
    [1, 3],
  ]);
});

describe("who asked", () => {
  beforeEach(() => tell(created("web", 7), started("web", 7)));

  test.each<[string, number, number, Partial<ExitRecord>]>([
    [
      "the signal that ended it",
      9,
      137,
      { signal: 9, requested: expect.objectContaining({ signal: 9, by: "berth stop" }) },
    ],
    [
      "a request that it followed in its own way",
      15,
      0,
      { signal: undefined, requested: expect.objectContaining({ signal: 15 }) },
    ],
    ["any signal that it died of", 10, 138, { signal: 10, requested: expect.objectContaining({ signal: 10 }) }],
  ])("%s", async (_, signal, exitStatus, want) => {
    await asks(request(signal));
    nowNs += 100n * SECOND;
    await tell(exited("web", 7, exitStatus));
    expect(await list()).toEqual([expect.objectContaining(want)]);
  });

  test("not a signal long before that has nothing to do with it", async () => {
    await asks(request(10));
    nowNs += 100n * SECOND;
    await tell(exited("web", 7, 1));
    expect((await list())[0]?.requested).toBeUndefined();
  });

  test("the last one; one that failed is taken back, and the next task knows nothing of it", async () => {
    await asks(request(15));
    await asks(request(9, { by: "ctr" }));
    await tell(exited("web", 7, 137), deleted("web", 7), created("web", 8), started("web", 8));
    await asks(request(15));
    await asks(undefined);
    await tell(exited("web", 8, 143), deleted("web", 8), created("web", 9), exited("web", 9, 143));
    expect((await list()).map(({ requested }) => requested?.by)).toEqual([undefined, undefined, "ctr"]);
  });

  test("of an exec apart from its task", async () => {
    await tell(execStarted("web", "sh", 20));
    nowNs += SECOND;
    await asks(request(9), "sh");
    await tell(exited("web", 20, 137, "sh"), exited("web", 7, 0));
    expect(await list()).toEqual([expect.objectContaining({ execId: "", requested: undefined })]);
    expect((await list({ execs: true }))[1]).toMatchObject({
      ...{ execId: "sh", pid: 20, attempt: 1, signal: 9, requested: request(9), startedAtNs: START, exitedAtNs: nowNs },
    });
  });

  test("an exec of its container's name is no task", async () => {
    await tell(execStarted("web", "web", 20), exited("web", 20, 5), exited("web", 7, 6));
    expect((await list({ execs: true })).map(({ execId, exitStatus }) => [execId, exitStatus])).toEqual([
      ["", 6],
      ["web", 5],
    ]);
  });
});

describe("out of memory", () => {
  beforeEach(() => tell(created("web", 7), started("web", 7)));

  test.each([
    ["told before the end", () => tell(oom("web"), exited("web", 7, 137))],
    ["told behind the end", () => tell(exited("web", 7, 137), oom("web"))],
    ["told in another moment", () => tell(exited("web", 7, 137)).then(() => tell(oom("web")))],
    ["seen by the driver", () => metadata.events.tell([exited("web", 7, 137)], { isOutOfMemory: true })],
  ])("%s", async (_, act) => {
    await act();
    expect(await list()).toEqual([expect.objectContaining({ isOutOfMemory: true, signal: 9 })]);
  });

  test("kills an exec, and the task ends in its own way", async () => {
    await tell(execStarted("web", "a", 20), execStarted("web", "b", 21), oom("web"));
    await tell(exited("web", 20, 137, "a"), exited("web", 21, 0, "b"), exited("web", 7, 2));
    expect(
      (await list({ execs: true })).map(({ execId, isOutOfMemory, signal }) => [execId, isOutOfMemory, signal]),
    ).toEqual([
      ["", true, undefined],
      ["b", false, undefined],
      ["a", true, 9],
    ]);
  });

  test("is forgotten with the next task", async () => {
    await tell(oom("web"), exited("web", 7, 137), deleted("web", 7), created("web", 8), exited("web", 8, 0));
    expect((await list())[0]?.isOutOfMemory).toBe(false);
  });
});

describe("an end that nobody saw", () => {
  beforeEach(() => tell(created("web", 7), started("web", 7)));

  test("is unknown, and says why", async () => {
    await tell(exited("web", 7, 255), deleted("web", 7), verdict("lost", { reason: "shim disconnected" }));
    expect(await list()).toEqual([expect.objectContaining({ exitStatus: undefined, message: "shim disconnected" })]);
  });

  test("is unknown to its driver, too", async () => {
    await metadata.events.tell([exited("web", 7, 255)], { isStatusKnown: false, message: "no log" });
    expect(await list()).toEqual([expect.objectContaining({ exitStatus: undefined, message: "no log" })]);
  });

  test("keeps the status that somebody still knew", async () => {
    await tell(
      exited("web", 7, 4),
      verdict("settled", { isExitKnown: true, reason: "it ended while no daemon was running" }),
    );
    expect(await list()).toEqual([
      expect.objectContaining({ exitStatus: 4, message: "it ended while no daemon was running" }),
    ]);
  });

  test("was asked for by the daemon that ended", async () => {
    await tell(exited("web", 7, 137), verdict("ended", { isExitKnown: true, reason: "its daemon ends" }));
    expect(await list()).toEqual([
      expect.objectContaining({
        message: "its daemon ends",
        requested: expect.objectContaining({ pid: 0, by: "berthd" }),
      }),
    ]);
  });

  test("one that was told before is not judged again", async () => {
    await tell(exited("web", 7, 3));
    await tell(deleted("web", 7), verdict("lost", {}));
    expect(await list()).toEqual([expect.objectContaining({ exitStatus: 3, message: "" })]);
  });
});

test("the last lines are put to the newest end, once, byte for byte", async () => {
  const task = { namespace: "ns", containerId: "web" };
  await run("web", 7, 3);
  await run("web", 8, 3);
  expect(await metadata.events.endsWithoutLines()).toEqual([task]);
  const lines = [Buffer.from("one"), Buffer.alloc(0), Buffer.from([0xff, 0x00, 0x0d])];
  await metadata.events.noteLastLines(task, lines);
  await metadata.events.noteLastLines(task, [Buffer.from("again")]);
  expect(await metadata.events.endsWithoutLines()).toEqual([]);
  const [newest, older] = await list();
  expect(newest?.lastLines.map((line) => Buffer.from(line))).toEqual(lines);
  expect(older?.lastLines).toEqual([]);
});

test("lists those of a container, from a time on, so many, or the newest of each", async () => {
  for (const [pid, id] of ["a", "b", "a", "c", "b"].entries()) await run(id, pid + 1, pid);
  const statuses = async (options: ListExitsOptions) => (await list(options)).map(({ exitStatus }) => exitStatus);
  expect(await statuses({ containerId: "a" })).toEqual([2, 0]);
  expect(await statuses({ sinceNs: START + 4n * SECOND })).toEqual([4, 3]);
  expect(await statuses({ limit: 2 })).toEqual([4, 3]);
  expect(await statuses({ latest: true })).toEqual([4, 3, 2]);
  expect(await statuses({ latest: true, containerId: "b" })).toEqual([4]);
  expect(await failure(list({ containerId: "a b" }))).toMatch(/^invalid_argument: identifier "a b" must match/);
  expect(await failure(list({}, ""))).toBe("failed_precondition: namespace is required: failed precondition");
});

test("survives a restart, open tasks with it", async () => {
  const root = await tempDir(scope);
  await open({ root });
  await run("web", 7, 3);
  await tell(created("web", 8), started("web", 8));
  await asks(request(15));
  await metadata[Symbol.asyncDispose]();
  await open({ root });
  await tell(exited("web", 8, 143));
  expect((await list()).map(({ attempt, requested }) => [attempt, requested?.by])).toEqual([
    [2, "berth stop"],
    [1, undefined],
  ]);
});
