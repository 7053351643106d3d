// Events over the socket: published, forwarded, subscribed to by many, and sent by shims over ttrpc.
import { status as Code, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { ZERO_TIME_SECONDS } from "../../api/core/time.js";
import { ContainerCreate } from "../../api/gen/events/container.js";
import { NamespaceUpdate } from "../../api/gen/events/namespace.js";
import { Container } from "../../api/gen/services/containers/v1/containers.js";
import { EventsService as ShimEventsService } from "../../api/gen/services/ttrpc/events/v1/events.js";
import { Envelope } from "../../api/gen/types/event.js";
import { connectTtrpc } from "../../runtime/ttrpc/client.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { call, headers, type RawClients, rawClients } from "../helpers/grpc.js";
import { freshNamespace } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const scope = new DisposeScope();
let daemon: Berthd;
let clients: RawClients;
let namespace: string;

beforeAll(async () => {
  namespace = freshNamespace(scope);
  daemon = await startBerthd(scope);
  clients = scope.use(rawClients(daemon.address));
});
afterAll(() => scope[Symbol.asyncDispose]());

interface Subscription {
  readonly seen: Envelope[];
  readonly error: () => { code: number; details: string } | undefined;
  cancel(): void;
}

/** Resolves when the daemon has sent its headers, which is when nothing is missed any more. */
async function subscribe(...filters: string[]): Promise<Subscription> {
  const stream = clients.events.subscribe({ filters });
  const seen: Envelope[] = [];
  let failure: { code: number; details: string } | undefined;
  stream.on("data", (envelope: Envelope) => seen.push(envelope));
  stream.on("error", (error: { code: number; details: string } & Error) => {
    failure = error;
  });
  await new Promise((resolve) => stream.once("metadata", resolve));
  return { seen, error: () => failure, cancel: () => stream.cancel() };
}

const event = (text: string) => ({ typeUrl: "test/Thing", value: Buffer.from(text) });
const publish = (topic: string, text: string, metadata = headers(namespace)) =>
  call(clients.events, clients.events.publish, { topic, event: event(text) }, metadata);
const forward = (envelope: Partial<Envelope>) =>
  call(clients.events, clients.events.forward, { envelope: Envelope.fromPartial(envelope) }, new Metadata());
const texts = (seen: readonly Envelope[]): (string | undefined)[] =>
  seen.map((envelope) => envelope.event?.value.toString());

describe("Subscribe", () => {
  test("sees what the stores do, once it is done", async () => {
    const subscription = await subscribe(`namespace==${namespace}`);
    const container = Container.fromPartial({
      id: "web",
      image: "img",
      runtime: { name: "r" },
      spec: { typeUrl: "t", value: Buffer.from("{}") },
    });
    await call(clients.containers, clients.containers.create, { container }, headers(namespace));
    await call(clients.containers, clients.containers.delete, { id: "web" }, headers(namespace));
    await until("two events", () => subscription.seen.length === 2);
    const [created, deleted] = subscription.seen;
    expect(created).toMatchObject({ namespace, topic: "/containers/create" });
    expect(created?.event?.typeUrl).toBe("containerd.events.ContainerCreate");
    expect(ContainerCreate.decode(created?.event?.value ?? Buffer.alloc(0))).toMatchObject({ id: "web", image: "img" });
    expect(created?.timestamp?.seconds).toBeGreaterThan(1_700_000_000n);
    expect(deleted).toMatchObject({ topic: "/containers/delete" });
    subscription.cancel();
  });

  test("namespace events carry the namespace acted upon and the labels as sent", async () => {
    const subscription = await subscribe("topic~=^/namespaces/");
    const name = `${namespace}-n`;
    const labels = new Map([["k", ""]]);
    const { namespaces } = clients;
    await call(namespaces, namespaces.create, { namespace: { name, labels: new Map() } }, new Metadata());
    await call(
      namespaces,
      namespaces.update,
      { namespace: { name, labels }, updateMask: ["labels.x"] },
      new Metadata(),
    );
    await call(namespaces, namespaces.delete, { name }, new Metadata());
    await until("three events", () => subscription.seen.length === 3);
    expect(subscription.seen.map((each) => [each.namespace, each.topic])).toEqual([
      [name, "/namespaces/create"],
      [name, "/namespaces/update"],
      [name, "/namespaces/delete"],
    ]);
    const update = NamespaceUpdate.decode(subscription.seen[1]?.event?.value ?? Buffer.alloc(0));
    expect(update.labels).toEqual(labels);
    subscription.cancel();
  });

  test("a bad filter ends it without a class", async () => {
    const subscription = await subscribe("topic=x");
    await until("the error", () => subscription.error() !== undefined);
    expect(subscription.error()).toMatchObject({
      code: Code.UNKNOWN,
      details:
        'subscription error: failed parsing subscription filters: filters: parse error: [topic >|=|< x]: unsupported operator "=": invalid argument',
    });
  });

  test("sixty subscribers each get everything in order, whatever the others do", async () => {
    const topic = "/many/a";
    const subscriptions = await Promise.all(Array.from({ length: 60 }, () => subscribe(`topic=="${topic}"`)));
    for (const quitter of subscriptions.splice(0, 10)) quitter.cancel();
    const sent = Array.from({ length: 200 }, (_, index) => String(index));
    for (const text of sent) await publish(topic, text);
    for (const { seen } of subscriptions) {
      await until("all events", () => seen.length === sent.length);
      expect(texts(seen)).toEqual(sent);
    }
    for (const subscription of subscriptions) subscription.cancel();
  });

  test("one that does not read keeps nobody waiting and misses nothing", async () => {
    const topic = "/slow/a";
    const stream = clients.events.subscribe({ filters: [`topic=="${topic}"`] });
    stream.on("error", () => {});
    await new Promise((resolve) => stream.once("metadata", resolve));
    const body = "x".repeat(32_768);
    for (let index = 0; index < 200; index += 1) await publish(topic, `${index} ${body}`);
    const seen: Envelope[] = [];
    stream.on("data", (envelope: Envelope) => seen.push(envelope));
    await until("all events", () => seen.length === 200);
    expect(texts(seen).map((text) => Number.parseInt(text ?? "", 10))).toEqual(
      Array.from({ length: 200 }, (_, i) => i),
    );
    stream.cancel();
  });
});

describe("Publish", () => {
  test.each([
    [undefined, "/a", Code.FAILED_PRECONDITION, "failed publishing event: namespace is required: failed precondition"],
    ["n1", "a", Code.INVALID_ARGUMENT, "envelope topic \"a\": must start with '/': invalid argument"],
    ["n1", "/", Code.INVALID_ARGUMENT, 'envelope topic "/": must have at least one component: invalid argument'],
    [
      "n1",
      "/a//b",
      Code.INVALID_ARGUMENT,
      'envelope topic "/a//b": failed validation on component "": identifier must not be empty: invalid argument',
    ],
  ])("in %s to %s is refused", async (name, topic, code, details) => {
    await expect(publish(topic, "x", headers(name))).rejects.toMatchObject({ code, details });
  });
});

describe("Forward", () => {
  const timestamp = { seconds: 7n, nanos: 9 };

  test("keeps time, namespace and payload", async () => {
    const subscription = await subscribe('topic=="/kept/a"');
    await forward({ timestamp, namespace: "elsewhere", topic: "/kept/a", event: event("p") });
    await until("the event", () => subscription.seen.length === 1);
    expect(subscription.seen[0]).toMatchObject({ timestamp, namespace: "elsewhere", event: event("p") });
    subscription.cancel();
  });

  test.each<[string, Partial<Envelope>, RegExp]>([
    [
      "a bad namespace",
      { timestamp, namespace: "a b", topic: "/a", event: event("") },
      /^event envelope has invalid namespace: /,
    ],
    ["a bad topic", { timestamp, namespace: "a", topic: "a", event: event("") }, /^envelope topic "a": /],
    ["no time", { namespace: "a", topic: "/a", event: event("") }, /^timestamp must be set on forwarded event/],
    [
      "Go's zero time",
      { timestamp: { seconds: ZERO_TIME_SECONDS, nanos: 0 }, namespace: "a", topic: "/a", event: event("") },
      /^timestamp must be set/,
    ],
    ["no event", { timestamp, namespace: "a", topic: "/a" }, /^event must be set/],
  ])("refuses %s", async (_, envelope, details) => {
    await expect(forward(envelope)).rejects.toMatchObject({
      code: Code.INVALID_ARGUMENT,
      details: expect.stringMatching(details),
    });
  });

  test("is served to shims over ttrpc, with the same rules", async () => {
    await using shim = await connectTtrpc(daemon.ttrpcAddress);
    const subscription = await subscribe('topic=="/shim/a"');
    const envelope = Envelope.fromPartial({ timestamp, namespace: "ns1", topic: "/shim/a", event: event("s") });
    await shim.call(ShimEventsService.forward, { envelope });
    await until("the event", () => subscription.seen.length === 1);
    expect(subscription.seen[0]).toMatchObject({ timestamp, namespace: "ns1", event: event("s") });
    await expect(shim.call(ShimEventsService.forward, {})).rejects.toMatchObject({ kind: "invalid_argument" });
    await expect(
      shim.call(ShimEventsService.forward, { envelope: { ...envelope, topic: "bad" } }),
    ).rejects.toMatchObject({ kind: "invalid_argument" });
    subscription.cancel();
  });
});
