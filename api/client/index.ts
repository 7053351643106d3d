// The door `berthd/client`: a client of Berth or containerd, the stdio of tasks, and OCI specs to run.
export type { RequestContext } from "../core/context.js";
export { type Client, type ConnectOptions, connect } from "./connect.js";
export { type FifoOptions, makeFifos, NULL_STDIO, removeFifos } from "./io/fifos.js";
export { createSpec, type SpecOptions } from "./spec/create-spec.js";
export type { Process, Spec, SpecMount, User } from "./spec/oci.js";
