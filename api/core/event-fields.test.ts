// The wanted texts were read off `ctr events` 1.6.20; test/interop asks the real one again.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ContainerCreate, ContainerUpdate } from "../gen/events/container.js";
import { ContentCreate } from "../gen/events/content.js";
import { TaskCreate, TaskDelete, TaskExit } from "../gen/events/task.js";
import { ImageCreate } from "../gen/services/images/v1/images.js";
import { removalCodec } from "./collector.js";
import type { EventEnvelope } from "./event.js";
import { decodeEvent, eventAdaptor } from "./event-fields.js";
import { parseFilters } from "./filters/index.js";
import { type Any, anyOfMessage, RUNC_OPTIONS_TYPE } from "./typeurl.js";

const exitedAt = { seconds: 1_700_000_000n, nanos: 120_000_000 };
const labels = new Map([
  ["b", "2"],
  ["a.b/c", "1"],
  ["empty", ""],
]);
const options = { typeUrl: RUNC_OPTIONS_TYPE, value: Buffer.from([8, 1, 18, 2, 65, 66]) };
const io = { stdin: "", stdout: "/o", stderr: "", terminal: false };

const EVENTS = {
  exit: anyOfMessage(
    "containerd.events.TaskExit",
    TaskExit,
    TaskExit.fromPartial({ containerId: "c1", id: "e", pid: 5, exitStatus: 137, exitedAt }),
  ),
  unsetExit: anyOfMessage("containerd.events.TaskExit", TaskExit, TaskExit.fromPartial({})),
  delete: anyOfMessage(
    "containerd.events.TaskDelete",
    TaskDelete,
    TaskDelete.fromPartial({ id: "x", pid: 1, exitedAt }),
  ),
  taskCreate: anyOfMessage(
    "containerd.events.TaskCreate",
    TaskCreate,
    TaskCreate.fromPartial({ containerId: "c1", rootfs: [{ type: "bind", options: ["rw"] }, {}], io, pid: 1 }),
  ),
  create: anyOfMessage(
    "containerd.events.ContainerCreate",
    ContainerCreate,
    ContainerCreate.fromPartial({ id: "c1", image: "i", runtime: { name: "r", options } }),
  ),
  update: anyOfMessage(
    "containerd.events.ContainerUpdate",
    ContainerUpdate,
    ContainerUpdate.fromPartial({ id: "c1", labels, snapshotKey: "k" }),
  ),
  content: anyOfMessage(
    "containerd.events.ContentCreate",
    ContentCreate,
    ContentCreate.fromPartial({ digest: "sha256:x", size: 5n, mediaType: "m" }),
  ),
  image: anyOfMessage(
    "anything/containerd.services.images.v1.ImageCreate",
    ImageCreate,
    ImageCreate.fromPartial({ name: "n" }),
  ),
  removal: removalCodec.encode({ type: "snapshot", namespace: "n", key: "native/s", reason: "r" }),
  unknown: { typeUrl: "example.Message", value: Buffer.from("x") },
  damaged: { typeUrl: "containerd.events.TaskExit", value: Buffer.from([0xff, 0xff]) },
} satisfies Record<string, Any>;

const envelope = (event: Any | undefined): EventEnvelope => ({
  timestampNs: 1n,
  namespace: "blue",
  topic: "/x",
  event,
});

describe("decodeEvent", () => {
  test.each<{ name: keyof typeof EVENTS; want: string }>([
    {
      name: "exit",
      want: '{"container_id":"c1","id":"e","pid":5,"exit_status":137,"exited_at":"2023-11-14T22:13:20.12Z"}',
    },
    { name: "unsetExit", want: '{"exited_at":"0001-01-01T00:00:00Z"}' },
    { name: "delete", want: '{"pid":1,"exited_at":"2023-11-14T22:13:20.12Z","id":"x"}' },
    {
      name: "taskCreate",
      want: '{"container_id":"c1","rootfs":[{"type":"bind","options":["rw"]},{}],"io":{"stdout":"/o"},"pid":1}',
    },
    {
      name: "create",
      want: '{"id":"c1","image":"i","runtime":{"name":"r","options":{"type_url":"containerd.runc.v1.Options","value":"CAESAkFC"}}}',
    },
    { name: "update", want: '{"id":"c1","labels":{"a.b/c":"1","b":"2","empty":""},"snapshot_key":"k"}' },
    { name: "content", want: '{"digest":"sha256:x","size":5,"mediaType":"m"}' },
    { name: "image", want: '{"name":"n"}' },
    { name: "removal", want: '{"type":"snapshot","namespace":"n","key":"native/s","reason":"r"}' },
  ])("$name", ({ name, want }) => {
    expect(JSON.stringify(decodeEvent(EVENTS[name]))).toBe(want);
  });

  test("what cannot be read is undefined, what has no calendar date is left out", () => {
    expect(decodeEvent(EVENTS.unknown)).toBeUndefined();
    expect(decodeEvent(EVENTS.damaged)).toBeUndefined();
    const far = TaskExit.fromPartial({ pid: 1, exitedAt: { seconds: 1n << 60n, nanos: -1 } });
    expect(decodeEvent(anyOfMessage("containerd.events.TaskExit", TaskExit, far))).toEqual({ pid: 1 });
  });
});

describe("eventAdaptor", () => {
  test.each<{ event: keyof typeof EVENTS; filter: string; match: boolean }>([
    { event: "exit", filter: 'topic=="/x",namespace==blue', match: true },
    { event: "exit", filter: "topic.more", match: true },
    { event: "exit", filter: "event.container_id==c1", match: true },
    { event: "exit", filter: "event.containerId", match: false },
    { event: "exit", filter: "event.pid==5", match: false },
    { event: "exit", filter: "event.exit_status", match: false },
    { event: "exit", filter: "event.exited_at", match: false },
    { event: "exit", filter: "timestamp", match: false },
    { event: "exit", filter: "event", match: false },
    { event: "unsetExit", filter: "event.container_id", match: false },
    { event: "unsetExit", filter: 'event.container_id!=x,event.nope~="^$"', match: true },
    { event: "taskCreate", filter: 'event.io.stdout=="/o"', match: true },
    { event: "taskCreate", filter: "event.io.terminal==false", match: true },
    { event: "taskCreate", filter: "event.io", match: false },
    { event: "taskCreate", filter: "event.rootfs", match: false },
    { event: "create", filter: "event.runtime.name==r", match: true },
    { event: "create", filter: "event.runtime", match: false },
    { event: "create", filter: "event.runtime.options.type_url", match: false },
    { event: "update", filter: 'event.labels.a."b/c"==1', match: true },
    { event: "update", filter: "event.labels.empty", match: true },
    { event: "update", filter: "event.labels", match: false },
    { event: "content", filter: "event.mediaType==m", match: true },
    { event: "content", filter: "event.size", match: false },
    { event: "image", filter: "event.name==n", match: true },
    { event: "removal", filter: "event.type==snapshot", match: true },
    { event: "unknown", filter: "event.name", match: false },
    { event: "damaged", filter: "event.container_id", match: false },
    { event: "damaged", filter: "namespace==blue", match: true },
  ])("$event: $filter is $match", ({ event, filter, match }) => {
    expect(parseFilters([filter]).match(eventAdaptor(envelope(EVENTS[event])))).toBe(match);
  });

  test("an event without payload has no fields", () => {
    expect(eventAdaptor(envelope(undefined))(["event", "id"])).toBeUndefined();
  });

  test.each(["0", "1", "null", "[]", '"text"', "{"])("one of ours whose payload is %s has none either", (json) => {
    const event = { ...EVENTS.removal, value: Buffer.from(json) };
    expect(decodeEvent(event)).toBeUndefined();
    expect(eventAdaptor(envelope(event))(["event", "length"])).toBeUndefined();
  });
});

test("no payload makes it throw", () => {
  const names = Object.values(EVENTS).map(({ typeUrl }) => typeUrl);
  const path = fc.array(fc.constantFrom("event", "labels", "io", "runtime", "options", "__proto__", "id", "toString"));
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.uint8Array({ maxLength: 64 }), path, (typeUrl, bytes, rest) => {
      const event = { typeUrl, value: Buffer.from(bytes) };
      JSON.stringify(decodeEvent(event), (_, value) => (typeof value === "bigint" ? String(value) : value));
      const value = eventAdaptor(envelope(event))(["event", ...rest]);
      expect(value === undefined || typeof value === "string").toBe(true);
    }),
    { numRuns: 2000 },
  );
});
