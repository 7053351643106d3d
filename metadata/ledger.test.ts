import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import type { EventEnvelope, LedgerEvent } from "../api/core/event.js";
import { anyOfMessage } from "../api/core/typeurl.js";
import { ContainerCreate, ContainerDelete, ContainerUpdate } from "../api/gen/events/container.js";
import { NamespaceCreate, NamespaceDelete, NamespaceUpdate } from "../api/gen/events/namespace.js";
import { TaskExit } from "../api/gen/events/task.js";
import { Envelope } from "../api/gen/types/event.js";
import { failure } from "../test/conformance/failure.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";
import { tempDir } from "../test/helpers/temp.js";
import type { Metadata } from "./index.js";

const PAYLOADS = new Map<string, { decode(bytes: Uint8Array): object }>([
  ["containerd.events.ContainerCreate", ContainerCreate],
  ["containerd.events.ContainerUpdate", ContainerUpdate],
  ["containerd.events.ContainerDelete", ContainerDelete],
  ["containerd.events.NamespaceCreate", NamespaceCreate],
  ["containerd.events.NamespaceUpdate", NamespaceUpdate],
  ["containerd.events.NamespaceDelete", NamespaceDelete],
  ["containerd.events.TaskExit", TaskExit],
]);

/** Payloads as plain objects. */
function decodePayload(typeUrl: string, value: Uint8Array = new Uint8Array()): object | undefined {
  const message = PAYLOADS.get(typeUrl)?.decode(value);
  if (message === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(message)
      .filter(([name]) => name !== "_unknownFields")
      .map(([name, field]) => [name, field instanceof Map ? Object.fromEntries(field) : field]),
  );
}

let scope: DisposeScope;
let metadata: Metadata;

beforeEach(async () => {
  scope = new DisposeScope();
  metadata = await temporaryMetadata(scope);
});

afterEach(() => scope[Symbol.asyncDispose]());

const exited = (containerId: string) =>
  anyOfMessage("containerd.events.TaskExit", TaskExit, TaskExit.fromPartial({ containerId, id: containerId, pid: 7 }));

const envelope = (topic: string, more: Partial<EventEnvelope> = {}): EventEnvelope => ({
  timestampNs: 1_700_000_000_123_456_789n,
  namespace: "ns",
  topic,
  event: exited("c"),
  ...more,
});

const append = (...topics: string[]) => metadata.events.append(topics.map((topic) => envelope(topic)));

const iterate = (events: AsyncIterable<LedgerEvent>) => events[Symbol.asyncIterator]();

async function take(events: AsyncIterable<LedgerEvent>, count: number): Promise<LedgerEvent[]> {
  const iterator = iterate(events);
  const taken: LedgerEvent[] = [];
  while (taken.length < count) {
    const { done, value } = await iterator.next();
    if (done === true) break;
    taken.push(value);
  }
  return taken;
}

const topics = (events: readonly LedgerEvent[]) => events.map(({ topic }) => topic);

describe("append", () => {
  test("keeps envelopes as they are and numbers them", async () => {
    const events = metadata.events.subscribe();
    await metadata.events.append([envelope("/a"), envelope("/b/c-1", { event: undefined })]);
    const [first, second] = await take(events, 2);
    expect(first).toMatchObject(envelope("/a"));
    expect([first?.seq, second?.seq]).toEqual([1n, 2n]);
    const decoded = Envelope.decode(first?.encoded ?? new Uint8Array());
    expect(decoded).toMatchObject({
      namespace: "ns",
      topic: "/a",
      timestamp: { seconds: 1_700_000_000n, nanos: 123_456_789 },
    });
    expect(decoded.event).toMatchObject(exited("c"));
  });

  test("an envelope without a time travels as 1970", async () => {
    const events = metadata.events.subscribe();
    await metadata.events.append([envelope("/a", { timestampNs: undefined })]);
    const [event] = await take(events, 1);
    expect(Envelope.decode(event?.encoded ?? new Uint8Array()).timestamp).toMatchObject({ seconds: 0n, nanos: 0 });
  });

  test.each([
    ["", 'envelope topic "": must not be empty'],
    ["a", "envelope topic \"a\": must start with '/'"],
    ["/", 'envelope topic "/": must have at least one component'],
    ["/a/", 'envelope topic "/a/": failed validation on component "": identifier must not be empty'],
    ["/a//b", 'envelope topic "/a//b": failed validation on component "": identifier must not be empty'],
    [
      "/tasks/?",
      'envelope topic "/tasks/?": failed validation on component "?": identifier "?" must match ^[A-Za-z0-9]+(?:[._-](?:[A-Za-z0-9]+))*$',
    ],
  ])("refuses the topic %j, and all that came with it", async (topic, message) => {
    expect(await failure(append("/good", topic))).toBe(`invalid_argument: ${message}: invalid argument`);
    await append("/next");
    expect(await take(metadata.events.subscribe({ after: 0n }), 1)).toMatchObject([{ topic: "/next", seq: 1n }]);
  });

  test("refuses a namespace that is none", async () => {
    expect(await failure(metadata.events.append([envelope("/a", { namespace: "" })]))).toBe(
      "invalid_argument: event envelope has invalid namespace: identifier must not be empty: invalid argument",
    );
  });
});

describe("subscribe", () => {
  test("is live when it returns and has nothing from before", async () => {
    await append("/before");
    const events = metadata.events.subscribe();
    await append("/after");
    expect(topics(await take(events, 1))).toEqual(["/after"]);
  });

  test("wakes a reader that waits", async () => {
    const next = iterate(metadata.events.subscribe()).next();
    await append("/a");
    expect(await next).toMatchObject({ done: false, value: { topic: "/a" } });
  });

  test("starts behind a position, across pages, in order", async () => {
    const names = Array.from({ length: 700 }, (_, n) => `/n${n}`);
    await append(...names.slice(0, 400));
    await append(...names.slice(400));
    expect(topics(await take(metadata.events.subscribe({ after: 0n }), 700))).toEqual(names);
    expect(topics(await take(metadata.events.subscribe({ after: 698n }), 2))).toEqual(["/n698", "/n699"]);
  });

  test("a position that is not there yet, or a bad filter, is refused at once", async () => {
    await append("/a");
    expect(() => metadata.events.subscribe({ after: 2n })).toThrow(
      "event 2 is ahead of the ledger, which is at 1: out of range",
    );
    expect(() => metadata.events.subscribe({ filters: ["topic=="] })).toThrow(
      /^filters: parse error: .*: invalid argument$/,
    );
  });

  test("filters by namespace, topic and what is in the event", async () => {
    await metadata.events.append([
      envelope("/tasks/exit", { event: exited("web") }),
      envelope("/tasks/exit", { namespace: "other", event: exited("db") }),
      envelope("/tasks/start"),
    ]);
    const collect = async (filters: string[]) => {
      const seqs: bigint[] = [];
      const events = metadata.events.subscribe({ after: 0n, filters: [...filters, 'topic=="/end"'] });
      for await (const { seq, topic } of events) {
        if (topic === "/end") break;
        seqs.push(seq);
      }
      return seqs;
    };
    await append("/end");
    expect(await collect(["namespace==other"])).toEqual([2n]);
    expect(await collect(["topic~=|^/tasks/exit|"])).toEqual([1n, 2n]);
    expect(await collect(["event.container_id==web"])).toEqual([1n]);
    expect(await collect(['topic=="/tasks/start"', "namespace==other"])).toEqual([2n, 3n]);
    expect(await collect([""])).toEqual([1n, 2n, 3n]);
  });

  test("topics of our own reach only those who name them", async () => {
    const collect = async (filters?: string[]) => {
      const found: string[] = [];
      for await (const { topic } of metadata.events.subscribe({ after: 0n, ...(filters && { filters }) })) {
        found.push(topic);
        if (topic === "/end" || topic === "/berth/end") break;
      }
      return found;
    };
    await append("/berth/gc/removed", "/x", "/berth/end", "/end");
    expect(await collect()).toEqual(["/x", "/end"]);
    expect(await collect([""])).toEqual(["/x", "/end"]);
    expect(await collect(["namespace==ns"])).toEqual(["/x", "/end"]);
    expect(await collect(["topic~=|^/berth/|"])).toEqual(["/berth/gc/removed", "/berth/end"]);
  });

  test("an abort ends it quietly, also while it waits", async () => {
    const abort = new AbortController();
    const iterator = iterate(metadata.events.subscribe({ signal: abort.signal }));
    const waiting = iterator.next();
    abort.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
    expect(await take(metadata.events.subscribe({ signal: AbortSignal.abort() }), 1)).toEqual([]);
  });

  test("return() ends a next() that waits", async () => {
    const iterator = iterate(metadata.events.subscribe());
    const waiting = iterator.next();
    await iterator.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
  });

  test("closing the store tells the reader that it is not the end of events", async () => {
    const next = iterate(metadata.events.subscribe()).next();
    const outcome = failure(next);
    await metadata[Symbol.asyncDispose]();
    expect(await outcome).toBe("unavailable: event ledger is closed: unavailable");
  });

  test("a reader that sleeps gets everything later, in order", async () => {
    const sleeper = iterate(metadata.events.subscribe());
    await append("/first");
    expect((await sleeper.next()).value).toMatchObject({ topic: "/first" });
    const big = { typeUrl: "x/Big", value: Buffer.alloc(64 * 1024) };
    const total = 200; // 12.8 MB: more than is kept in memory
    for (let n = 0; n < total; n += 1) await metadata.events.append([envelope(`/n${n}`, { event: big })]);
    for (let n = 0; n < total; n += 1) expect((await sleeper.next()).value).toMatchObject({ topic: `/n${n}` });
  });

  test("every subscriber sees the same bytes", async () => {
    const subscribers = [1, 2, 3].map(() => metadata.events.subscribe());
    await append("/a");
    const events = (await Promise.all(subscribers.map((events) => take(events, 1)))).flat();
    expect(new Set(events.map(({ encoded }) => encoded)).size).toBe(1);
  });
});

describe("the ledger and its changes", () => {
  const SPEC = { typeUrl: "x", value: Buffer.from("{}") };
  const ctx = { namespace: "ns" };

  test("every change writes its event, a refused one none", async () => {
    const events = metadata.events.subscribe();
    const runtime = { name: "r", options: { typeUrl: "o", value: Buffer.from([1]) } };
    await metadata.namespaces.create({}, { name: "acted-on", labels: { a: "1", empty: "" } });
    await metadata.namespaces.update({}, { name: "acted-on", labels: { b: "2", more: "x" } }, ["labels.b"]);
    await metadata.namespaces.delete({}, "acted-on");
    await metadata.containers.create(ctx, { id: "c", image: "i", runtime, spec: SPEC });
    await failure(metadata.containers.create(ctx, { id: "c", runtime, spec: SPEC }));
    await failure(metadata.containers.update(ctx, { id: "c" }, ["sandbox"]));
    await metadata.containers.update(ctx, { id: "c", labels: { l: "1", gone: "" } }, ["labels"]);
    await metadata.containers.delete(ctx, "c");
    await metadata.leases.create(ctx, { id: "l" });
    await append("/end");
    const seen = await take(events, 7);
    expect(seen.map(({ namespace, topic, event }) => [namespace, topic, event?.typeUrl])).toEqual([
      ["acted-on", "/namespaces/create", "containerd.events.NamespaceCreate"],
      ["acted-on", "/namespaces/update", "containerd.events.NamespaceUpdate"],
      ["acted-on", "/namespaces/delete", "containerd.events.NamespaceDelete"],
      ["ns", "/containers/create", "containerd.events.ContainerCreate"],
      ["ns", "/containers/update", "containerd.events.ContainerUpdate"],
      ["ns", "/containers/delete", "containerd.events.ContainerDelete"],
      ["ns", "/end", "containerd.events.TaskExit"],
    ]);
    expect(seen.map(({ event }) => decodePayload(event?.typeUrl ?? "", event?.value))).toEqual([
      { name: "acted-on", labels: { a: "1", empty: "" } },
      { name: "acted-on", labels: { b: "2", more: "x" } },
      { name: "acted-on" },
      {
        id: "c",
        image: "i",
        runtime: expect.objectContaining({ name: "r", options: expect.objectContaining({ typeUrl: "o" }) }),
      },
      { id: "c", image: "i", labels: { l: "1" }, snapshotKey: "" },
      { id: "c" },
      expect.anything(),
    ]);
  });

  test("events are there after a restart, and numbers go on", async () => {
    const root = await tempDir(scope);
    const first = await temporaryMetadata(scope, { root });
    await first.events.append([envelope("/one"), envelope("/two")]);
    await first[Symbol.asyncDispose]();
    const second = await temporaryMetadata(scope, { root });
    await second.events.append([envelope("/three")]);
    expect((await take(second.events.subscribe({ after: 1n }), 2)).map(({ seq, topic }) => [seq, topic])).toEqual([
      [2n, "/two"],
      [3n, "/three"],
    ]);
  });

  test("nothing is told before it is on disk", async () => {
    const held: ((error: Error | null) => void)[] = [];
    const slow = await temporaryMetadata(scope, { fdatasync: (_fd, done) => held.push(done) });
    const events = iterate(slow.events.subscribe());
    let told = false;
    const next = events.next().then((result) => {
      told = true;
      return result;
    });
    const appended = slow.events.append([envelope("/a")]);
    for (let turn = 0; turn < 5; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(held).toHaveLength(1);
    expect(told).toBe(false);
    held.pop()?.(null);
    await appended;
    expect(await next).toMatchObject({ value: { topic: "/a" } });
  });
});
