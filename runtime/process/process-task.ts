// What the host-process supervisor is to whoever puts it on a wire: it makes tasks that are processes of this host, and each has the
// verbs of a shim's task service.
import type { Logger } from "../../api/core/log.js";
import type { ExecOptions, Mount, ProcessExit, ProcessInfo, ProcessState, Stdio } from "../../api/core/task.js";
import type { Clock } from "../../api/core/time.js";
import type { Any } from "../../api/core/typeurl.js";

export interface ProcessHostDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** Of all its tasks. */
  readonly namespace: string;
  /**
   * Called in order, and before the call that made it happen answers. `topic` as in `/tasks/start`, `event` a protobuf message of
   * `containerd.events` under its full name. Must not throw.
   */
  readonly onEvent: (topic: string, event: Any) => void;
}

export interface CreateProcessTask extends Stdio {
  readonly id: string;
  /** Folder with config.json, absolute. */
  readonly bundle: string;
  readonly rootfs: readonly Mount[];
  readonly options?: Any | undefined;
  /** Folder of a checkpoint; there is no restoring host processes, so anything but "" is refused. */
  readonly checkpoint: string;
}

/** Errors have the kind and the full text that a runtime shim would answer with, without a class text where that has none. */
export interface ProcessHost extends AsyncDisposable {
  /**
   * Makes a task: its init process exists, with the pid it will keep, and none of its program has run. Leaves nothing when it fails.
   * `signal` ends the waiting for readers of the output.
   * @throws invalid_argument that names everything in the spec that only an isolating runtime can keep; permission_denied that
   * names the missing right; already_exists; unknown for the rest.
   */
  create(request: CreateProcessTask, signal?: AbortSignal): Promise<{ readonly pid: number }>;
  /** @throws not_found "container not created". */
  task(id: string): ProcessTask;
  /** All that were created and not deleted. */
  tasks(): readonly ProcessTask[];
}

/** `execId` "" addresses the init process. @throws not_found for a process that does not exist. */
export interface ProcessTask {
  readonly id: string;
  readonly bundle: string;
  /** Of the init process. */
  readonly pid: number;
  /** Of its OCI spec. */
  readonly annotations: Readonly<Record<string, string>>;
  state(execId: string): ProcessState;
  start(execId: string): Promise<{ readonly pid: number }>;
  /** Of a created or stopped process; for init the task is forgotten. */
  delete(execId: string): Promise<ProcessExit>;
  /** Returns when the signal is sent. `all`: every process of the task, of init only. */
  kill(execId: string, signalNumber: number, all: boolean): Promise<void>;
  /** Registers a process; `start` makes it. */
  exec(execId: string, options: ExecOptions): Promise<void>;
  resizePty(execId: string, width: number, height: number): void;
  closeIO(execId: string, stdin: boolean): void;
  pause(): Promise<void>;
  resume(): Promise<void>;
  pids(): Promise<ProcessInfo[]>;
  /** @throws not_implemented without a control group. */
  stats(): Promise<Any>;
  /** @throws not_implemented without a control group. */
  update(resources: Any): Promise<void>;
  /** Resolves when the process has exited. */
  wait(execId: string, signal?: AbortSignal): Promise<ProcessExit>;
}
