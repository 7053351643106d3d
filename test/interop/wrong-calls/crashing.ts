// Calls that only berthd is given, and calls to what nobody has.
import { call, headers } from "../../helpers/grpc.js";
import { exec, INVALID_ARGUMENT, UNIMPLEMENTED, type WrongCall } from "./wrong-call.js";

/** Calls that crash containerd 1.6 or the shim of its task; berthd refuses them all with this code. */
export const CRASHING_CALLS: readonly (WrongCall & { readonly code: number })[] = [
  {
    name: "Containers.Create without a container",
    code: INVALID_ARGUMENT,
    make: ({ clients: { containers: c }, namespace }) => call(c, c.create, {}, headers(namespace)),
  },
  {
    name: "Containers.Update without a container",
    code: INVALID_ARGUMENT,
    make: ({ clients: { containers: c }, namespace }) => call(c, c.update, {}, headers(namespace)),
  },
  {
    name: "Namespaces.Create without a namespace",
    code: INVALID_ARGUMENT,
    make: ({ clients: { namespaces: n }, namespace }) => call(n, n.create, {}, headers(namespace)),
  },
  {
    name: "Namespaces.Update without a namespace",
    code: INVALID_ARGUMENT,
    make: ({ clients: { namespaces: n }, namespace }) => call(n, n.update, {}, headers(namespace)),
  },
  {
    name: "Leases.AddResource without a resource",
    code: INVALID_ARGUMENT,
    make: ({ clients: { leases: l }, namespace }) => call(l, l.addResource, { id: "held" }, headers(namespace)),
  },
  {
    name: "Leases.DeleteResource without a resource",
    code: INVALID_ARGUMENT,
    make: ({ clients: { leases: l }, namespace }) => call(l, l.deleteResource, { id: "held" }, headers(namespace)),
  },
  {
    name: "Events.Publish without an event",
    code: INVALID_ARGUMENT,
    make: ({ clients: { events: e }, namespace }) => call(e, e.publish, { topic: "/a" }, headers(namespace)),
  },
  {
    name: "Events.Forward without an envelope",
    code: INVALID_ARGUMENT,
    make: ({ clients: { events: e }, namespace }) => call(e, e.forward, {}, headers(namespace)),
  },
  { name: "Tasks.Exec without a spec", code: INVALID_ARGUMENT, make: exec("busy", "new", {}) },
  {
    name: "Tasks.Update without resources",
    code: INVALID_ARGUMENT,
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.update, { containerId: "busy", annotations: new Map() }, headers(namespace)),
  },
];

/** Calls to what neither daemon has; only the code is the same, the words are the transport's. */
export const UNKNOWN_METHODS: readonly { readonly path: string; readonly code: number }[] = [
  { path: "/containerd.services.containers.v1.Containers/Nothing", code: UNIMPLEMENTED },
  { path: "/containerd.services.nothing.v1.Nothing/Get", code: UNIMPLEMENTED },
];
