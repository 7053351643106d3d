// Tasks: the running side of containers. One vocabulary for the local task manager and the remote client.
// @source containerd api/services/tasks/v1, core/runtime/task.go
import type { RequestContext } from "./context.js";
import type { Any } from "./typeurl.js";

/** `created`: made, not started. `stopped`: exited, not deleted. `unknown`: who should know has not told. */
export type TaskStatus = "unknown" | "created" | "running" | "stopped" | "paused" | "pausing";

/** A mount to be made, as mount(8) takes it. */
export interface Mount {
  /** Required: `bind`, `overlay`, … */
  readonly type: string;
  /** Required: a path on the daemon's host, or a word that stands for one, such as `overlay`. */
  readonly source: string;
  /** Place below the mount point. Default: "", the mount point itself; the differ takes nothing else. */
  readonly target?: string;
  /** As in fstab: `ro`, `rbind`, `lowerdir=…`. May be empty. */
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
  /** 0 until it exited; 128 + signal number after a signal; 255 when unknown. */
  readonly exitStatus: number;
  /** Nanoseconds since 1970; undefined until it exited. */
  readonly exitedAtNs: bigint | undefined;
}

/** How a process ended. */
export interface ProcessExit {
  /** 0 where the answer has none: that to `wait`, as a rule. */
  readonly pid: number;
  /** 128 + signal number after a signal; 255 when unknown. */
  readonly exitStatus: number;
  /** Nanoseconds since 1970; undefined for a process that has never run. */
  readonly exitedAtNs: bigint | undefined;
}

/** What a task is made of, beside its container's record. */
export interface CreateTaskOptions extends Stdio {
  /** Mounted one over another as the root file system. Empty: the spec's root path stands as it is. */
  readonly rootfs: readonly Mount[];
  /** Options of the runtime; the container's own when undefined. */
  readonly options?: Any | undefined;
  /** Replaces the container's runtime name. Default: "". */
  readonly runtimePath?: string;
  /**
   * Digest-addressed checkpoint to restore from. Berth refuses it with not_implemented, unless `options` name a folder to restore
   * from, which is then taken instead.
   */
  readonly checkpoint?: TaskDescriptor | undefined;
}

/** Names a checkpoint in the content store. */
export interface TaskDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly sizeBytes: bigint;
  readonly annotations: Readonly<Record<string, string>>;
}

/** A process to be added to a task. */
export interface ExecOptions extends Stdio {
  /** Required: an OCI Process as JSON, of type `PROCESS_TYPE` or of none. */
  readonly spec: Any;
}

/** One process in a task's container. */
export interface ProcessInfo {
  /** As the host counts. */
  readonly pid: number;
  /** Set for processes started by exec: `containerd.runc.v1.ProcessDetails`. */
  readonly info?: Any | undefined;
}

/** What a task uses. */
export interface TaskMetrics {
  /** The container (and task) id. */
  readonly id: string;
  /** When the runtime was asked, nanoseconds since 1970; undefined when the daemon does not say. */
  readonly timestampNs: bigint | undefined;
  /** As the runtime tells it: cgroup metrics of v1 or v2 for runc. undefined when it tells nothing. */
  readonly data: Any | undefined;
}

/**
 * All verbs of tasks.v1. `id` is the container's id, `execId` "" addresses init. Every call looks up the container first,
 * then the task. @throws not_found; kind `unknown` for what the runtime refuses.
 */
export interface Tasks {
  /** Makes the task; its init process exists but has not run yet. @throws already_exists. */
  create(ctx: RequestContext, id: string, options: CreateTaskOptions): Promise<{ readonly pid: number }>;
  /** Runs a created process. Resolves with its pid, as the host counts, when it runs. */
  start(ctx: RequestContext, id: string, execId: string): Promise<{ readonly pid: number }>;
  /** Removes a created or stopped task with all its processes. Refused while it runs. */
  delete(ctx: RequestContext, id: string): Promise<ProcessExit>;
  /** Removes an exec that has not started or has stopped. @throws invalid_argument for "": init goes with its task. */
  deleteProcess(ctx: RequestContext, id: string, execId: string): Promise<ProcessExit>;
  /** The state now; the last known one when the runtime does not answer within 2 seconds. */
  get(ctx: RequestContext, id: string, execId: string): Promise<ProcessState>;
  /** The init processes of all tasks of the namespace, in no promised order. */
  list(ctx: RequestContext): Promise<ProcessState[]>;
  /** Sends a signal by its number. `all`: to every process of the container, when `execId` is "". Does not wait for the end. */
  kill(
    ctx: RequestContext,
    id: string,
    execId: string,
    options: { readonly signal: number; readonly all: boolean },
  ): Promise<void>;
  /** Registers a process; `start` runs it. @throws already_exists, invalid_argument. */
  exec(ctx: RequestContext, id: string, execId: string, options: ExecOptions): Promise<void>;
  /** Sets the size of the terminal, in columns (`width`) and rows. */
  resizePty(
    ctx: RequestContext,
    id: string,
    execId: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<void>;
  /** Closes `stdin` as the runtime holds it: the process reads its end once the client has closed its own as well. */
  closeIO(ctx: RequestContext, id: string, execId: string, options: { readonly stdin: boolean }): Promise<void>;
  /** Freezes all processes of the container. */
  pause(ctx: RequestContext, id: string): Promise<void>;
  resume(ctx: RequestContext, id: string): Promise<void>;
  /** All processes in the container, those that nobody started by exec among them. */
  pids(ctx: RequestContext, id: string): Promise<ProcessInfo[]>;
  /**
   * Writes the state of the processes into the folder that `options` (of type `containerd.runc.v1.CheckpointOptions`) name.
   * Berth resolves with an empty list then. @throws not_implemented without a folder.
   */
  checkpoint(ctx: RequestContext, id: string, options: Any | undefined): Promise<TaskDescriptor[]>;
  /** Changes the limits of the container while it is there. @throws invalid_argument unless `resources` are OCI LinuxResources. */
  update(
    ctx: RequestContext,
    id: string,
    options: { readonly resources: Any | undefined; readonly annotations: Readonly<Record<string, string>> },
  ): Promise<void>;
  /** Filter fields: id, namespace. Tasks whose runtime does not answer are left out. @throws kind unknown for a bad filter. */
  metrics(ctx: RequestContext, filters?: readonly string[]): Promise<TaskMetrics[]>;
  /** Resolves when the process has exited; at once if it has already. */
  wait(ctx: RequestContext, id: string, execId: string): Promise<ProcessExit>;
}
