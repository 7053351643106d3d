// Wrong calls to the events service, and a malformed filter of plugins.
import { call, collect, headers } from "../../helpers/grpc.js";
import type { WrongCall } from "./wrong-call.js";

const event = { typeUrl: "containerd.events.ContainerDelete", value: Buffer.from("\n\u0001x") };
const timestamp = { seconds: 1_700_000_000n, nanos: 5 };

export const events: readonly WrongCall[] = [
  {
    name: "Events.Publish without a namespace",
    make: ({ clients: { events: e } }) => call(e, e.publish, { topic: "/a", event }, headers(undefined)),
  },
  ...["", "a", "/", "/a/", "/a//b", "/tasks/?", `/${"x".repeat(77)}`].map(
    (topic): WrongCall => ({
      name: `Events.Publish with topic "${topic}"`,
      make: ({ clients: { events: e }, namespace }) => call(e, e.publish, { topic, event }, headers(namespace)),
    }),
  ),
  {
    name: "Events.Forward with a malformed namespace",
    make: ({ clients: { events: e } }) =>
      call(e, e.forward, { envelope: { timestamp, namespace: "a b", topic: "/a", event } }, headers(undefined)),
  },
  {
    name: "Events.Forward without a namespace",
    make: ({ clients: { events: e } }) =>
      call(e, e.forward, { envelope: { timestamp, namespace: "", topic: "/a", event } }, headers(undefined)),
  },
  {
    name: "Events.Forward with a malformed topic",
    make: ({ clients: { events: e }, namespace }) =>
      call(e, e.forward, { envelope: { timestamp, namespace, topic: "a", event } }, headers(undefined)),
  },
  {
    name: "Events.Subscribe with a malformed filter",
    make: ({ clients: { events: e } }) => collect(e.subscribe({ filters: ["topic="] }, headers(undefined))),
  },
  {
    name: "Introspection.Plugins with a malformed filter",
    make: ({ clients: { introspection: i } }) => call(i, i.plugins, { filters: ["id="] }, headers(undefined)),
  },
];
