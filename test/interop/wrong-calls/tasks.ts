// Wrong calls to the tasks service: what is missing, what the state does not allow, what the runtime refuses.
import { call, headers } from "../../helpers/grpc.js";
import { exec, json, stdio, type WrongCall } from "./wrong-call.js";

function createTask(containerId: string, more: object = {}): WrongCall["make"] {
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

const processOf = (containerId: string, execId = ""): { containerId: string; execId: string } => ({
  containerId,
  execId,
});

export const tasks: readonly WrongCall[] = [
  {
    name: "Tasks.Get without a namespace",
    make: ({ clients: { tasks: t } }) => call(t, t.get, processOf("busy"), headers(undefined)),
  },
  {
    name: "Tasks.Get of no container",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.get, processOf("none"), headers(namespace)),
  },
  {
    name: "Tasks.Get with an empty id",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.get, processOf(""), headers(namespace)),
  },
  {
    name: "Tasks.Get of no task",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.get, processOf("idle"), headers(namespace)),
  },
  {
    name: "Tasks.Get of no exec",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.get, processOf("busy", "none"), headers(namespace)),
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
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.start, processOf("busy"), headers(namespace)),
  },
  {
    name: "Tasks.Start of no exec",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.start, processOf("busy", "none"), headers(namespace)),
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
      call(t, t.deleteProcess, processOf("busy", "none"), headers(namespace)),
  },
  {
    name: "Tasks.Kill with a signal that is none",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.kill, { ...processOf("busy"), signal: 1000, all: false }, headers(namespace)),
  },
  {
    name: "Tasks.Kill of no exec",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.kill, { ...processOf("busy", "none"), signal: 9, all: false }, headers(namespace)),
  },
  {
    name: "Tasks.Kill of an exec that was not started",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.kill, { ...processOf("busy", "held"), signal: 9, all: false }, headers(namespace)),
  },
  {
    name: "Tasks.Kill of no task",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.kill, { ...processOf("idle"), signal: 9, all: false }, headers(namespace)),
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
      call(t, t.resizePty, { ...processOf("busy", "none"), width: 1, height: 1 }, headers(namespace)),
  },
  {
    name: "Tasks.CloseIO of no exec",
    make: ({ clients: { tasks: t }, namespace }) =>
      call(t, t.closeIo, { ...processOf("busy", "none"), stdin: true }, headers(namespace)),
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
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.wait, processOf("idle"), headers(namespace)),
  },
  {
    name: "Tasks.Wait of no exec",
    make: ({ clients: { tasks: t }, namespace }) => call(t, t.wait, processOf("busy", "none"), headers(namespace)),
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
