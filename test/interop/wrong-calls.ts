// Calls that must be refused, made by raw clients. Each is made to a real containerd and to berthd, and both must answer with
// the same code and the same words; where ours differ on purpose, the row says how and why. Calls that would crash containerd
// or its shim are in a list of their own that only berthd is given.

import { SPEC_TYPE } from "../../api/core/typeurl.js";
import type { Container } from "../../api/gen/services/containers/v1/containers.js";
import { call, collect, headers, type RawClients } from "../helpers/grpc.js";

/** What the calls find: container `idle` without a task, container `busy` with a running one that has an exec `held`. */
export interface World {
  readonly clients: RawClients;
  readonly namespace: string;
}

export interface Refusal {
  readonly code: number;
  readonly message: string;
}

export interface WrongCall {
  readonly name: string;
  readonly make: (world: World) => Promise<unknown>;
  /** What berthd answers instead, and why. */
  readonly difference?: { readonly why: string; readonly answer: Refusal };
}

const INVALID_ARGUMENT = 3;
const UNIMPLEMENTED = 12;

const json = (typeUrl: string, value: unknown) => ({ typeUrl, value: Buffer.from(JSON.stringify(value)) });
const spec = json(SPEC_TYPE, { ociVersion: "1.0.2" });
const processSpec = json("types.containerd.io/opencontainers/runtime-spec/1/Process", {
  args: ["/bin/true"],
  cwd: "/",
});
const nothing = { labels: new Map(), extensions: new Map() } as const;

const blank: Container = {
  ...nothing,
  id: "",
  image: "",
  runtime: { name: "io.containerd.runc.v2" },
  spec,
  snapshotter: "",
  snapshotKey: "",
  sandbox: "",
};
const stdio = { stdin: "", stdout: "", stderr: "", terminal: false };

function create(container: Partial<Container>): (world: World) => Promise<unknown> {
  return ({ clients: { containers }, namespace }) =>
    call(containers, containers.create, { container: { ...blank, ...container } }, headers(namespace));
}

function update(container: Partial<Container>, updateMask: string[] | undefined): (world: World) => Promise<unknown> {
  return ({ clients: { containers }, namespace }) =>
    call(containers, containers.update, { container: { ...blank, ...container }, updateMask }, headers(namespace));
}

function createTask(containerId: string, more: object = {}): (world: World) => Promise<unknown> {
  const request = {
    ...stdio,
    containerId,
    rootfs: [],
    runtimePath: "",
    taskApiAddress: "",
    taskApiVersion: 0,
    ...more,
  };
  return ({ clients: { tasks }, namespace }) => call(tasks, tasks.create, request, headers(namespace));
}

function exec(containerId: string, execId: string, more: object = { spec: processSpec }): WrongCall["make"] {
  const request = { ...stdio, containerId, execId, ...more };
  return ({ clients: { tasks }, namespace }) => call(tasks, tasks.exec, request, headers(namespace));
}

const containers: readonly WrongCall[] = [
  {
    name: "Containers.Get without a namespace",
    make: ({ clients: { containers: c } }) => call(c, c.get, { id: "idle" }, headers(undefined)),
  },
  {
    name: "Containers.Get with an empty namespace",
    make: ({ clients: { containers: c } }) => call(c, c.get, { id: "idle" }, headers("")),
  },
  {
    name: "Containers.Get with a malformed namespace",
    make: ({ clients: { containers: c } }) => call(c, c.get, { id: "idle" }, headers("a b")),
  },
  {
    name: "Containers.Get of none",
    make: ({ clients: { containers: c }, namespace }) => call(c, c.get, { id: "none" }, headers(namespace)),
  },
  {
    name: "Containers.Get with an empty id",
    make: ({ clients: { containers: c }, namespace }) => call(c, c.get, { id: "" }, headers(namespace)),
  },
  {
    name: "Containers.Get in a namespace nobody wrote to",
    make: ({ clients: { containers: c } }) => call(c, c.get, { id: "idle" }, headers("unheard-of")),
  },
  { name: "Containers.Create with an empty id", make: create({}) },
  { name: "Containers.Create with a malformed id", make: create({ id: "a b" }) },
  { name: "Containers.Create with quotes and control characters in the id", make: create({ id: 'a"\n\u00e9\u0001' }) },
  { name: "Containers.Create with a doubled separator", make: create({ id: "a--b" }) },
  { name: "Containers.Create with an id of 77 bytes", make: create({ id: "x".repeat(77) }) },
  { name: "Containers.Create of one that exists", make: create({ id: "idle" }) },
  { name: "Containers.Create without a runtime", make: create({ id: "new", runtime: { name: "" } }) },
  { name: "Containers.Create without a spec", make: create({ id: "new", spec: undefined }) },
  { name: "Containers.Create with a key but no snapshotter", make: create({ id: "new", snapshotKey: "key" }) },
  {
    name: "Containers.Create with an extension without a key",
    make: create({ id: "new", extensions: new Map([["", spec]]) }),
  },
  {
    name: "Containers.Create with an oversized label",
    make: create({ id: "new", labels: new Map([["key", "v".repeat(4094)]]) }),
    difference: {
      why: "berthd uses the words of containerd 1.7 and later, which tell the length",
      answer: {
        code: INVALID_ARGUMENT,
        message:
          "create container failed validation: containers.Labels: label key and value length (4097 bytes) greater than maximum size (4096 bytes), key: key: invalid argument",
      },
    },
  },
  { name: "Containers.Update without an id", make: update({}, ["labels"]) },
  { name: "Containers.Update of none", make: update({ id: "none" }, ["labels"]) },
  { name: "Containers.Update of an unknown field", make: update({ id: "idle" }, ["labels", "nonsense"]) },
  { name: "Containers.Update of snapshot_key", make: update({ id: "idle" }, ["snapshot_key"]) },
  { name: "Containers.Update of runtime", make: update({ id: "idle" }, ["runtime"]) },
  { name: "Containers.Update of id", make: update({ id: "idle" }, ["id"]) },
  { name: "Containers.Update of a spec to none", make: update({ id: "idle", spec: undefined }, ["spec"]) },
  { name: "Containers.Update of the key alone", make: update({ id: "idle", snapshotKey: "k" }, ["snapshotkey"]) },
  {
    name: "Containers.Update of all, another runtime",
    make: update({ id: "idle", runtime: { name: "x.y" } }, undefined),
  },
  { name: "Containers.Update of all, another snapshotter", make: update({ id: "idle", snapshotter: "x" }, undefined) },
  {
    name: "Containers.Delete of none",
    make: ({ clients: { containers: c }, namespace }) => call(c, c.delete, { id: "none" }, headers(namespace)),
  },
  {
    name: "Containers.Delete in a namespace nobody wrote to",
    make: ({ clients: { containers: c } }) => call(c, c.delete, { id: "none" }, headers("unheard-of")),
  },
  ...[
    "labels.a=b",
    "nonsense",
    "id==",
    "id~=[",
    'labels."a==b',
    "==",
    "id==a,,",
    "id!a",
    "labels..a==b",
    "id==/a",
    "id~=/a/",
  ].map(
    (filter): WrongCall => ({
      name: `Containers.List with filter ${filter}`,
      make: async ({ clients: { containers: c }, namespace }) =>
        (await call(c, c.list, { filters: [filter] }, headers(namespace))).containers.map(({ id }) => id),
    }),
  ),
  {
    name: "Containers.ListStream with a malformed filter",
    make: ({ clients: { containers: c }, namespace }) =>
      collect(c.listStream({ filters: ["id="] }, headers(namespace))),
  },
];

const namespaces: readonly WrongCall[] = [
  {
    name: "Namespaces.Create of one that exists",
    make: ({ clients: { namespaces: n }, namespace }) =>
      call(n, n.create, { namespace: { name: namespace, labels: new Map() } }, headers(namespace)),
  },
  {
    name: "Namespaces.Create with a malformed name",
    make: ({ clients: { namespaces: n }, namespace }) =>
      call(n, n.create, { namespace: { name: "a/b", labels: new Map() } }, headers(namespace)),
  },
  {
    name: "Namespaces.Create with an empty name",
    make: ({ clients: { namespaces: n }, namespace }) =>
      call(n, n.create, { namespace: { name: "", labels: new Map() } }, headers(namespace)),
  },
  {
    name: "Namespaces.Update of the path labels",
    make: ({ clients: { namespaces: n }, namespace }) =>
      call(
        n,
        n.update,
        { namespace: { name: namespace, labels: new Map([["a", "b"]]) }, updateMask: ["labels"] },
        headers(namespace),
      ),
  },
  {
    name: "Namespaces.Update of the path name",
    make: ({ clients: { namespaces: n }, namespace }) =>
      call(
        n,
        n.update,
        { namespace: { name: namespace, labels: new Map() }, updateMask: ["name"] },
        headers(namespace),
      ),
  },
  {
    name: "Namespaces.Delete of none",
    make: ({ clients: { namespaces: n }, namespace }) => call(n, n.delete, { name: "none" }, headers(namespace)),
  },
  {
    name: "Namespaces.Delete of one that holds containers",
    make: ({ clients: { namespaces: n }, namespace }) => call(n, n.delete, { name: namespace }, headers(namespace)),
  },
];

function resource(verb: "addResource" | "deleteResource", lease: string, id: string, type: string): WrongCall {
  return {
    name: `Leases.${verb} ${lease} ${type} ${id}`,
    make: ({ clients: { leases }, namespace }) =>
      call(leases, leases[verb], { id: lease, resource: { id, type } }, headers(namespace)),
  };
}

const leases: readonly WrongCall[] = [
  {
    name: "Leases.Create of one that exists",
    make: ({ clients: { leases: l }, namespace }) =>
      call(l, l.create, { id: "held", labels: new Map() }, headers(namespace)),
  },
  {
    name: "Leases.Create without a namespace",
    make: ({ clients: { leases: l } }) => call(l, l.create, { id: "new", labels: new Map() }, headers(undefined)),
  },
  {
    name: "Leases.Delete of none",
    make: ({ clients: { leases: l }, namespace }) => call(l, l.delete, { id: "none", sync: false }, headers(namespace)),
  },
  {
    name: "Leases.ListResources of none",
    make: ({ clients: { leases: l }, namespace }) => call(l, l.listResources, { id: "none" }, headers(namespace)),
  },
  {
    name: "Leases.List with a malformed filter",
    make: ({ clients: { leases: l }, namespace }) => call(l, l.list, { filters: ["id="] }, headers(namespace)),
  },
  resource("addResource", "none", "x", "snapshots/native"),
  resource("addResource", "held", "sha256:abc", "content"),
  resource("addResource", "held", "md5:abc", "content"),
  resource("addResource", "held", "abc", "content"),
  resource("addResource", "held", "x", "snapshots"),
  resource("addResource", "held", "x", "snapshots/a/b"),
  resource("addResource", "held", "x", "ingests/a"),
  resource("addResource", "held", "x", "nonsense"),
  resource("deleteResource", "none", "x", "ingests"),
  resource("deleteResource", "held", "x", "nonsense"),
];

const process = (containerId: string, execId = ""): { containerId: string; execId: string } => ({
  containerId,
  execId,
});

const tasks: readonly WrongCall[] = [
  {
    name: "Tasks.Get without a namespace",
    make: ({ clients: { tasks: t } }) => call(t, t.get, process("busy"), headers(undefined)),
  },
  {
    name: "Tasks.Get of no container",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.get, process("none"), headers(namespace)),
  },
  {
    name: "Tasks.Get with an empty id",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.get, process(""), headers(namespace)),
  },
  {
    name: "Tasks.Get of no task",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.get, process("idle"), headers(namespace)),
  },
  {
    name: "Tasks.Get of no exec",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.get, process("busy", "none"), headers(namespace)),
  },
  { name: "Tasks.Create of no container", make: createTask("none") },
  { name: "Tasks.Create of a second task", make: createTask("busy") },
  {
    name: "Tasks.Create with foreign options",
    make: createTask("idle", { options: { typeUrl: "containerd.runc.v1.CheckpointOptions", value: Buffer.alloc(0) } }),
  },
  {
    name: "Tasks.Create with options nobody knows",
    make: createTask("idle", { options: { typeUrl: "example.Nothing", value: Buffer.alloc(0) } }),
  },
  {
    name: "Tasks.Create from an unsupported checkpoint",
    make: createTask("idle", {
      checkpoint: { mediaType: "text/plain", digest: `sha256:${"0".repeat(64)}`, size: 1n, annotations: new Map() },
    }),
  },
  { name: "Tasks.Create with a runtime path that is no name", make: createTask("idle", { runtimePath: "nonsense" }) },
  {
    name: "Tasks.Create with a runtime path that is missing",
    make: createTask("idle", { runtimePath: "/no/such/shim" }),
  },
  {
    name: "Tasks.Create with a runtime that is missing",
    make: createTask("idle", { runtimePath: "io.example.no.v7" }),
  },
  {
    name: "Tasks.Create with a stdio scheme nobody knows",
    make: createTask("idle", { stdout: "odd:///x", stderr: "odd:///x" }),
  },
  { name: "Tasks.Create with a rootfs that is missing", make: createTask("idle") },
  {
    name: "Tasks.Start of a running task",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.start, process("busy"), headers(namespace)),
  },
  {
    name: "Tasks.Start of no exec",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.start, process("busy", "none"), headers(namespace)),
  },
  {
    name: "Tasks.Delete of a running task",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.delete, { containerId: "busy" }, headers(namespace)),
  },
  {
    name: "Tasks.Delete of no task",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.delete, { containerId: "idle" }, headers(namespace)),
  },
  {
    name: "Tasks.DeleteProcess of no exec",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.deleteProcess, process("busy", "none"), headers(namespace)),
  },
  {
    name: "Tasks.Kill with a signal that is none",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.kill, { ...process("busy"), signal: 1000, all: false }, headers(namespace)),
  },
  {
    name: "Tasks.Kill of no exec",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.kill, { ...process("busy", "none"), signal: 9, all: false }, headers(namespace)),
  },
  {
    name: "Tasks.Kill of an exec that was not started",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.kill, { ...process("busy", "held"), signal: 9, all: false }, headers(namespace)),
  },
  {
    name: "Tasks.Kill of no task",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.kill, { ...process("idle"), signal: 9, all: false }, headers(namespace)),
  },
  { name: "Tasks.Exec with an empty exec id", make: exec("busy", "") },
  { name: "Tasks.Exec with a malformed exec id", make: exec("busy", "a b") },
  { name: "Tasks.Exec with an exec id of 77 bytes", make: exec("busy", "x".repeat(77)) },
  { name: "Tasks.Exec with an exec id in use", make: exec("busy", "held") },
  { name: "Tasks.Exec in no task", make: exec("idle", "x") },
  { name: "Tasks.Exec in no container", make: exec("none", "x") },
  {
    name: "Tasks.ResizePty of no exec",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.resizePty, { ...process("busy", "none"), width: 1, height: 1 }, headers(namespace)),
  },
  {
    name: "Tasks.CloseIO of no exec",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.closeIo, { ...process("busy", "none"), stdin: true }, headers(namespace)),
  },
  {
    name: "Tasks.Resume of a running task",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.resume, { containerId: "busy" }, headers(namespace)),
  },
  {
    name: "Tasks.Pause of no task",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.pause, { containerId: "idle" }, headers(namespace)),
  },
  {
    name: "Tasks.ListPids of no task",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.listPids, { containerId: "idle" }, headers(namespace)),
  },
  {
    name: "Tasks.Wait of no task",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.wait, process("idle"), headers(namespace)),
  },
  {
    name: "Tasks.Wait of no exec",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.wait, process("busy", "none"), headers(namespace)),
  },
  {
    name: "Tasks.Metrics with a malformed filter",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.metrics, { filters: ["id="] }, headers(namespace)),
  },
  {
    name: "Tasks.Update with resources that are no JSON",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(
        t,
        t.update,
        {
          containerId: "busy",
          resources: {
            typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources",
            value: Buffer.from("{nonsense"),
          },
          annotations: new Map(),
        },
        headers(namespace),
      ),
  },
  {
    name: "Tasks.Update of no task",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(
        t,
        t.update,
        {
          containerId: "idle",
          resources: json("types.containerd.io/opencontainers/runtime-spec/1/LinuxResources", {}),
          annotations: new Map(),
        },
        headers(namespace),
      ),
  },
];

const event = { typeUrl: "containerd.events.ContainerDelete", value: Buffer.from("\n\u0001x") };
const timestamp = { seconds: 1_700_000_000n, nanos: 5 };

const events: readonly WrongCall[] = [
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

/** Made to both daemons, in this order. */
export const WRONG_CALLS: readonly WrongCall[] = [...containers, ...namespaces, ...leases, ...tasks, ...events];

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
