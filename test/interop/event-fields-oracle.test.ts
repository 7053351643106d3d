// The fields of events against the real containerd: what its subscribers' filters see, and what `ctr events` prints.
import { afterAll, beforeAll, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { decodeEvent, eventAdaptor } from "../../api/core/event-fields.js";
import { parseFilters } from "../../api/core/filters/index.js";
import { type Any, anyOfMessage, RUNC_OPTIONS_TYPE } from "../../api/core/typeurl.js";
import { ContainerCreate, ContainerDelete, ContainerUpdate } from "../../api/gen/events/container.js";
import { NamespaceCreate, NamespaceDelete, NamespaceUpdate } from "../../api/gen/events/namespace.js";
import { SnapshotCommit, SnapshotPrepare, SnapshotRemove } from "../../api/gen/events/snapshot.js";
import * as task from "../../api/gen/events/task.js";
import { ImageCreate, ImageDelete, ImageUpdate } from "../../api/gen/services/images/v1/images.js";
import { startContainerd } from "../helpers/containerd.js";
import type { Engine } from "../helpers/engine.js";
import { call, headers, type RawClients, rawClients } from "../helpers/grpc.js";
import { startProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const lacking = requires.containerd();

const exitedAt = { seconds: 1_700_000_000n, nanos: 120_000_000 };
const labels = new Map([
  ["b", "2"],
  ["a.b/c", "1"],
  ["empty", ""],
]);
const options = { typeUrl: RUNC_OPTIONS_TYPE, value: Buffer.from([8, 1, 50, 2, 65, 66]) };
const io = { stdin: "", stdout: "/o", stderr: "", terminal: false };

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
}
const event = <T>(name: string, codec: Codec<T>, message: T): Any =>
  anyOfMessage(`containerd.events.${name}`, codec, message);
const imageEvent = <T>(name: string, codec: Codec<T>, message: T): Any =>
  anyOfMessage(`containerd.services.images.v1.${name}`, codec, message);

/** By topic. Container creations have options here: without them a filter on options ends containerd 1.6. */
const EVENTS: Readonly<Record<string, Any>> = {
  "/e/exit": event(
    "TaskExit",
    task.TaskExit,
    task.TaskExit.fromPartial({ containerId: "c1", id: "e", pid: 5, exitStatus: 137, exitedAt }),
  ),
  "/e/exit-unset": event("TaskExit", task.TaskExit, task.TaskExit.fromPartial({})),
  "/e/task-delete": event("TaskDelete", task.TaskDelete, task.TaskDelete.fromPartial({ id: "x", pid: 1, exitedAt })),
  "/e/task-create": event(
    "TaskCreate",
    task.TaskCreate,
    task.TaskCreate.fromPartial({
      containerId: "c1",
      bundle: "b",
      rootfs: [{ type: "bind", options: ["rw"] }, {}],
      io,
      pid: 1,
    }),
  ),
  "/e/task-create-bare": event(
    "TaskCreate",
    task.TaskCreate,
    task.TaskCreate.fromPartial({ containerId: "c2", checkpoint: "k" }),
  ),
  "/e/task-start": event("TaskStart", task.TaskStart, task.TaskStart.fromPartial({ containerId: "c1", pid: 7 })),
  "/e/oom": event("TaskOOM", task.TaskOOM, task.TaskOOM.fromPartial({ containerId: "c1" })),
  "/e/exec-added": event(
    "TaskExecAdded",
    task.TaskExecAdded,
    task.TaskExecAdded.fromPartial({ containerId: "c1", execId: "e" }),
  ),
  "/e/exec-started": event(
    "TaskExecStarted",
    task.TaskExecStarted,
    task.TaskExecStarted.fromPartial({ containerId: "c1", execId: "e", pid: 4_294_967_295 }),
  ),
  "/e/paused": event("TaskPaused", task.TaskPaused, task.TaskPaused.fromPartial({ containerId: "c1" })),
  "/e/resumed": event("TaskResumed", task.TaskResumed, task.TaskResumed.fromPartial({ containerId: "c1" })),
  "/e/checkpointed": event(
    "TaskCheckpointed",
    task.TaskCheckpointed,
    task.TaskCheckpointed.fromPartial({ containerId: "c1", checkpoint: "k" }),
  ),
  "/e/create": event(
    "ContainerCreate",
    ContainerCreate,
    ContainerCreate.fromPartial({ id: "c1", image: "i", runtime: { name: "r", options } }),
  ),
  "/e/update": event(
    "ContainerUpdate",
    ContainerUpdate,
    ContainerUpdate.fromPartial({ id: "c1", labels, snapshotKey: "k" }),
  ),
  "/e/delete": event("ContainerDelete", ContainerDelete, ContainerDelete.fromPartial({ id: "c1" })),
  "/e/prepare": event("SnapshotPrepare", SnapshotPrepare, SnapshotPrepare.fromPartial({ key: "k", parent: "p" })),
  "/e/commit": event("SnapshotCommit", SnapshotCommit, SnapshotCommit.fromPartial({ key: "k", name: "n" })),
  "/e/remove": event("SnapshotRemove", SnapshotRemove, SnapshotRemove.fromPartial({ key: "k" })),
  "/e/ns-create": event("NamespaceCreate", NamespaceCreate, NamespaceCreate.fromPartial({ name: "n", labels })),
  "/e/ns-update": event("NamespaceUpdate", NamespaceUpdate, NamespaceUpdate.fromPartial({ name: "n" })),
  "/e/ns-delete": event("NamespaceDelete", NamespaceDelete, NamespaceDelete.fromPartial({ name: "n" })),
  "/e/image-create": imageEvent("ImageCreate", ImageCreate, ImageCreate.fromPartial({ name: "n", labels })),
  "/e/image-update": imageEvent("ImageUpdate", ImageUpdate, ImageUpdate.fromPartial({ name: "n" })),
  "/e/image-delete": imageEvent("ImageDelete", ImageDelete, ImageDelete.fromPartial({ name: "n" })),
  "/e/unknown": { typeUrl: "example.Message", value: Buffer.from("x") },
  "/e/damaged": { typeUrl: "containerd.events.TaskExit", value: Buffer.from([0xff, 0xff]) },
};

const FILTERS = [
  ...[
    'topic=="/e/exit"',
    'topic~="^/e/task"',
    "topic",
    "topic.more",
    "timestamp",
    "namespace",
    "namespace!=x",
    "event",
    "event!=x",
  ],
  ...[
    "event.container_id==c1",
    "event.container_id!=c1",
    "event.containerId",
    "event.container_id.more",
    "event.id",
    "event.id==c1",
  ],
  ...[
    "event.exec_id==e",
    "event.pid==5",
    "event.pid",
    "event.exit_status",
    "event.exited_at",
    "event.bundle",
    "event.rootfs",
  ],
  ...[
    "event.io",
    'event.io.stdout=="/o"',
    "event.io.stdin",
    "event.io.terminal",
    "event.io.terminal==false",
    "event.checkpoint",
  ],
  ...[
    "event.image==i",
    "event.runtime",
    "event.runtime.name==r",
    "event.runtime.options",
    "event.runtime.options.type_url",
  ],
  ...[
    "event.runtime.options.binary_name",
    "event.runtime.options.no_pivot_root",
    "event.snapshot_key==k",
    "event.labels",
  ],
  ...[
    "event.labels.b==2",
    'event.labels.a."b/c"==1',
    'event.labels."a.b/c"',
    "event.labels.empty",
    "event.labels.nope!=x",
  ],
  ...[
    "event.key==k",
    "event.parent",
    "event.name==n",
    "event.name!=n",
    "event.nope",
    "event.nope~=^$",
    "event.id~=^c,topic~=delete",
  ],
];

let scope: DisposeScope;
let engine: Engine;
let clients: RawClients;
let namespace: string;

beforeAll(async () => {
  scope = new DisposeScope();
  namespace = freshNamespace(scope);
  engine = await startContainerd(scope);
  clients = scope.use(rawClients(engine.address));
});

afterAll(async () => {
  await scope[Symbol.asyncDispose]();
});

async function publish(topic: string, payload: Any): Promise<void> {
  await call(clients.events, clients.events.publish, { topic, event: payload }, headers(namespace));
}

/** Publishes everything between a probe that all readers have seen and a last one. `seen` answers with a reader's topics or lines. */
async function publishAll(seen: readonly (() => readonly string[])[]): Promise<void> {
  await until("every subscription to be live", async () => {
    await publish("/probe", event("TaskOOM", task.TaskOOM, task.TaskOOM.fromPartial({ containerId: "probe" })));
    return seen.every((read) => read().length > 0);
  });
  for (const [topic, payload] of Object.entries(EVENTS)) await publish(topic, payload);
  await publish("/end", event("TaskOOM", task.TaskOOM, task.TaskOOM.fromPartial({ containerId: "end" })));
  await until("the last event", () => seen.every((read) => read().at(-1)?.includes("/end")));
}

test.skipIf(lacking)("filters see the same fields", async () => {
  const readers = FILTERS.map((filter) => {
    const topics: string[] = [];
    const stream = clients.events.subscribe({ filters: [filter, 'topic~="^/(probe|end)"'] });
    stream.on("data", (envelope) => topics.push(envelope.topic));
    stream.on("error", () => {});
    return { filter, topics, stream };
  });
  await publishAll(
    readers.map(
      ({ topics }) =>
        () =>
          topics,
    ),
  );
  const theirs = Object.fromEntries(
    readers.map(({ filter, topics }) => [filter, topics.filter((topic) => EVENTS[topic])]),
  );
  for (const { stream } of readers) stream.cancel();
  const ours = FILTERS.map((filter): [string, string[]] => {
    const parsed = parseFilters([filter]);
    const found = Object.entries(EVENTS).filter(([topic, payload]) =>
      parsed.match(eventAdaptor({ timestampNs: 1n, namespace, topic, event: payload })),
    );
    return [filter, found.map(([topic]) => topic)];
  });
  expect(Object.fromEntries(ours)).toEqual(theirs);
  expect(theirs["event.container_id==c1"]?.length).toBeGreaterThan(5);
});

test.skipIf(lacking)("what is printed is what ctr prints", async () => {
  await using ctr = await startProgram("ctr", ["-a", engine.address, "events"]);
  const lines = (): string[] =>
    ctr
      .stdout()
      .trimEnd()
      .split("\n")
      .filter((line) => line !== "");
  await publishAll([lines]);
  const theirs = new Map(
    lines().map((line) => {
      const [, topic = "", json = ""] = / (\/\S+) (\{.*\})$/.exec(line) ?? [];
      return [topic, json];
    }),
  );
  const printed = Object.entries(EVENTS).flatMap(([topic, payload]): [string, string][] => {
    const decoded = decodeEvent(payload);
    return decoded === undefined ? [] : [[topic, JSON.stringify(decoded)]];
  });
  expect(printed.length).toBeGreaterThan(20);
  expect(printed).toEqual([...theirs].filter(([topic]) => EVENTS[topic] !== undefined));
});
