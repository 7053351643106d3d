// The door of the package `berthd`: a daemon in this process, and all that `berthd/client` offers.
export * from "../api/client/index.js";
export type { LogFields, Logger } from "../api/core/log.js";
export type { Clock } from "../api/core/time.js";
export { createDaemon, type Daemon, type DaemonClientOptions, type DaemonDeps, type DaemonOptions } from "./daemon.js";
