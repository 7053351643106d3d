// The plug: what a runtime driver is to the task manager. A driver knows how to make tasks and talk to them; which tasks
// exist, who may do what when, and what the ledger hears is the task manager's business.
import type { EventLedger } from "../api/core/event.js";
import type { Logger } from "../api/core/log.js";
import type {
  CreateTaskOptions,
  ExecOptions,
  ProcessExit,
  ProcessInfo,
  ProcessState,
  TaskMetrics,
} from "../api/core/task.js";
import type { Clock } from "../api/core/time.js";
import type { Any } from "../api/core/typeurl.js";

/** A driver as the list in drivers/index.ts names it. The first whose `matches` says yes takes the runtime. */
export interface DriverDefinition {
  readonly name: string;
  /** `runtime` is `container.runtime.name` or the request's `runtime_path`. */
  matches(runtime: string): boolean;
  create(deps: DriverDeps): RuntimeDriver;
}

export interface DriverDeps {
  /** Persistent folder, absolute. */
  readonly rootDir: string;
  /** Volatile folder (gone after a reboot), absolute. */
  readonly stateDir: string;
  /** The daemon's gRPC socket; its ttrpc twin for shims' events; the program that understands `publish`. */
  readonly address: string;
  readonly ttrpcAddress: string;
  readonly publishBinary: string;
  readonly debug: boolean;
  readonly ledger: EventLedger;
  readonly log: Logger;
  readonly clock: Clock;
  /** Called once when a task vanished without `delete` (its shim died) and what was left of it has been cleaned up. */
  readonly onTaskGone: (gone: TaskGone) => Promise<void>;
}

export interface TaskGone {
  readonly namespace: string;
  readonly id: string;
  readonly exit: ProcessExit;
  /** Why, for people: "shim disconnected", … */
  readonly reason: string;
}

export interface CreateTask extends CreateTaskOptions {
  readonly namespace: string;
  readonly id: string;
  readonly runtime: string;
  /** The bytes of config.json, as the container record holds them. */
  readonly spec: Uint8Array;
}

export interface RuntimeDriver extends AsyncDisposable {
  /** Makes a task, or leaves nothing behind. */
  create(request: CreateTask): Promise<DriverTask>;
  /**
   * Finds the tasks of a former daemon and cleans up what is no task any more.
   * `runtimeOf` answers the runtime name in the container's record, undefined without a record.
   */
  load(runtimeOf: (namespace: string, id: string) => Promise<string | undefined>): Promise<DriverTask[]>;
}

/** One task as its driver sees it. Errors carry the runtime's own text and kind. Disposing lets go; the task goes on. */
export interface DriverTask extends AsyncDisposable {
  readonly namespace: string;
  readonly id: string;
  /** Of the init process. */
  readonly pid: number;
  /** Where its bundle is; goes into `/tasks/create`. */
  readonly bundle: string;
  /** True where the runtime itself sends task events (shims do); else the task manager writes them. */
  readonly reportsEvents: boolean;
  state(execId: string, signal?: AbortSignal): Promise<ProcessState>;
  start(execId: string): Promise<{ readonly pid: number }>;
  /** Ends and removes the process; for init all that belongs to the task. */
  delete(execId: string): Promise<ProcessExit>;
  kill(execId: string, signal: number, all: boolean): Promise<void>;
  exec(execId: string, options: ExecOptions): Promise<void>;
  resizePty(execId: string, width: number, height: number): Promise<void>;
  closeIO(execId: string, stdin: boolean): Promise<void>;
  pause(): Promise<void>;
  resume(): Promise<void>;
  pids(): Promise<ProcessInfo[]>;
  stats(signal?: AbortSignal): Promise<TaskMetrics["data"]>;
  update(resources: Any, annotations: Readonly<Record<string, string>>): Promise<void>;
  checkpoint(path: string, options: Any | undefined): Promise<void>;
  wait(execId: string, signal?: AbortSignal): Promise<ProcessExit>;
}
