// Tasks: the running side of containers. One vocabulary for the local task manager and the remote client.
// @source containerd api/services/tasks/v1, core/runtime/task.go
import type { RequestContext } from "./context.js";
import type { Any } from "./typeurl.js";

export type TaskStatus = "unknown" | "created" | "running" | "stopped" | "paused" | "pausing";

export interface Mount {
  readonly type: string;
  readonly source: string;
  readonly target?: string;
  readonly options: readonly string[];
}

/** What the client chose: paths of FIFOs or files, or URIs. All empty: no stdio. Passed on untouched. */
export interface Stdio {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** The init process of a task (`execId` is "") or one started by exec. */
export interface ProcessState extends Stdio {
  /** The container (and task) id. */
  readonly containerId: string;
  readonly execId: string;
  /** 0 while there is none. */
  readonly pid: number;
  readonly status: TaskStatus;
  /** 128 + signal number after a signal; 255 when unknown. */
  readonly exitStatus: number;
  /** undefined until it exited. */
  readonly exitedAtNs: bigint | undefined;
}

export interface ProcessExit {
  readonly pid: number;
  readonly exitStatus: number;
  readonly exitedAtNs: bigint | undefined;
}

export interface CreateTaskOptions extends Stdio {
  readonly rootfs: readonly Mount[];
  /** Options of the runtime; the container's own when undefined. */
  readonly options?: Any | undefined;
  /** Replaces the container's runtime name. Default: "". */
  readonly runtimePath?: string;
  /** Digest-addressed checkpoint to restore from. */
  readonly checkpoint?: TaskDescriptor | undefined;
}

export interface TaskDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: bigint;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface ExecOptions extends Stdio {
  /** An OCI Process as JSON. */
  readonly spec: Any;
}

export interface ProcessInfo {
  readonly pid: number;
  /** Set for processes started by exec: `containerd.runc.v1.ProcessDetails`. */
  readonly info?: Any | undefined;
}

export interface TaskMetrics {
  readonly id: string;
  readonly timestampNs: bigint | undefined;
  readonly data: Any | undefined;
}

/**
 * All verbs of tasks.v1. `id` is the container's id, `execId` "" addresses init. Every call looks up the container first,
 * then the task. @throws not_found; kind `unknown` for what the runtime refuses.
 */
export interface Tasks {
  /** Makes the task; its init process exists but has not run yet. @throws already_exists. */
  create(ctx: RequestContext, id: string, options: CreateTaskOptions): Promise<{ readonly pid: number }>;
  start(ctx: RequestContext, id: string, execId: string): Promise<{ readonly pid: number }>;
  /** Ends a created or stopped task. */
  delete(ctx: RequestContext, id: string): Promise<ProcessExit>;
  deleteProcess(ctx: RequestContext, id: string, execId: string): Promise<ProcessExit>;
  get(ctx: RequestContext, id: string, execId: string): Promise<ProcessState>;
  list(ctx: RequestContext): Promise<ProcessState[]>;
  kill(
    ctx: RequestContext,
    id: string,
    execId: string,
    options: { readonly signal: number; readonly all: boolean },
  ): Promise<void>;
  /** Registers a process; `start` runs it. @throws already_exists, invalid_argument. */
  exec(ctx: RequestContext, id: string, execId: string, options: ExecOptions): Promise<void>;
  resizePty(
    ctx: RequestContext,
    id: string,
    execId: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<void>;
  closeIO(ctx: RequestContext, id: string, execId: string, options: { readonly stdin: boolean }): Promise<void>;
  pause(ctx: RequestContext, id: string): Promise<void>;
  resume(ctx: RequestContext, id: string): Promise<void>;
  pids(ctx: RequestContext, id: string): Promise<ProcessInfo[]>;
  checkpoint(ctx: RequestContext, id: string, options: Any | undefined): Promise<TaskDescriptor[]>;
  update(
    ctx: RequestContext,
    id: string,
    options: { readonly resources: Any | undefined; readonly annotations: Readonly<Record<string, string>> },
  ): Promise<void>;
  /** Filter fields: id, namespace. Tasks whose runtime does not answer are left out. */
  metrics(ctx: RequestContext, filters?: readonly string[]): Promise<TaskMetrics[]>;
  /** Resolves when the process has exited; at once if it has already. */
  wait(ctx: RequestContext, id: string, execId: string): Promise<ProcessExit>;
}
