// The door `berthd/client`: a client of Berth or containerd, the stdio of tasks, and OCI specs to run.
export type { RequestContext } from "../core/context.js";
export type { Doctor, Finding } from "../core/doctor.js";
export { type Client, type ConnectOptions, connect } from "./connect.js";
export { type Copy, type CopyOptions, copyStreams, type LocalStreams } from "./io/copy.js";
export { FifoEnds, type ProcessStreams } from "./io/fifo-ends.js";
export { type FifoOptions, makeFifos, NULL_STDIO, removeFifos } from "./io/fifos.js";
export type { RemoteEvents } from "./remote-events.js";
export type { Plugin, RemoteIntrospection, ServerInfo } from "./remote-introspection.js";
export { withLease } from "./remote-lease-store.js";
export { createSpec, type SpecOptions } from "./spec/create-spec.js";
export { type ExecProcessOptions, execProcess, type InheritedProcess } from "./spec/exec-process.js";
export type { Process, Spec, SpecMount, User } from "./spec/oci.js";
