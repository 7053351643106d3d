// The door of the package `berthd`: run a daemon in this process, connect to one, and the words both speak.
export { type Client, type ConnectOptions, connect } from "../api/client/connect.js";
export type { Container, ContainerStore, ContainerUpdate, NewContainer } from "../api/core/container.js";
export type { PeerCredentials, RequestContext } from "../api/core/context.js";
export {
  ContainerdError,
  type ErrorKind,
  errorKind,
  isAlreadyExists,
  isFailedPrecondition,
  isInvalidArgument,
  isNotFound,
  isNotImplemented,
  isUnavailable,
} from "../api/core/errors.js";
export type { EventEnvelope } from "../api/core/event.js";
export type { Labels } from "../api/core/labels.js";
export type { Lease, LeaseResource, LeaseStore } from "../api/core/lease.js";
export type { LogFields, Logger } from "../api/core/log.js";
export type { Namespace, NamespaceStore } from "../api/core/namespace.js";
export type {
  CreateTaskOptions,
  ExecOptions,
  Mount,
  ProcessExit,
  ProcessInfo,
  ProcessState,
  Stdio,
  TaskDescriptor,
  TaskMetrics,
  TaskStatus,
  Tasks,
} from "../api/core/task.js";
export type { Clock } from "../api/core/time.js";
export {
  type Any,
  anyOfJson,
  anyOfMessage,
  LINUX_RESOURCES_TYPE,
  PROCESS_TYPE,
  RUNC_OPTIONS_TYPE,
  SPEC_TYPE,
} from "../api/core/typeurl.js";
export { createDaemon, type Daemon, type DaemonDeps, type DaemonOptions } from "./daemon.js";
