// The host-process supervisor: tasks that are processes of this host, without isolation. It makes them, knows their states, tells
// how they ended, and says all that as events in the order in which it happened. It knows no wire: the shim program puts it on one.
// @source containerd pkg/process, runtime/v2/runc (the states, the refusals, the order of events)
import { DisposeScope } from "../../api/core/dispose.js";
import { alreadyExists, notFound } from "../../api/core/errors.js";
import { validateIdentifier } from "../../api/core/identifiers.js";
import type { Logger } from "../../api/core/log.js";
import type { ExecOptions, Mount, ProcessExit, ProcessInfo, ProcessState, Stdio } from "../../api/core/task.js";
import type { Clock } from "../../api/core/time.js";
import type { Any } from "../../api/core/typeurl.js";
import { keepDescriptors } from "../sys/spawn.js";
import { createEvent, type TaskEvent } from "../task-events.js";
import { makeTask } from "./make-task.js";
import { Reaper } from "./reaper.js";
import type { HostTask } from "./task.js";

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

/** Makes this process a subreaper: what the tasks leave behind becomes its child and is reaped. Disposing kills every task. */
export function createProcessHost(deps: ProcessHostDeps): ProcessHost {
  return new HostProcesses(deps);
}

class HostProcesses implements ProcessHost {
  readonly #deps: ProcessHostDeps;
  readonly #reaper: Reaper;
  readonly #tasks = new Map<string, HostTask>();
  /** Ids of tasks that are being made. */
  readonly #reserved = new Set<string>();

  constructor(deps: ProcessHostDeps) {
    this.#deps = deps;
    keepDescriptors();
    this.#reaper = new Reaper(deps.log);
  }

  async create(request: CreateProcessTask, signal?: AbortSignal): Promise<{ readonly pid: number }> {
    const { id } = request;
    validateIdentifier(id);
    if (this.#tasks.has(id) || this.#reserved.has(id)) throw alreadyExists(`container ${id}`);
    this.#reserved.add(id);
    try {
      const { namespace, clock, log, onEvent } = this.#deps;
      const tell = ({ topic, event }: TaskEvent): void => onEvent(topic, event);
      const onDeleted = (): void => void this.#tasks.delete(id);
      const task = await makeTask(request, { namespace, clock, log, tell, onDeleted, reaper: this.#reaper, signal });
      this.#tasks.set(id, task);
      tell(createEvent(id, { ...request, pid: task.pid }));
      return { pid: task.pid };
    } finally {
      this.#reserved.delete(id);
    }
  }

  task(id: string): ProcessTask {
    const task = this.#tasks.get(id);
    if (task === undefined) throw notFound("container not created");
    return task;
  }

  tasks(): readonly ProcessTask[] {
    return [...this.#tasks.values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using scope = new DisposeScope();
    scope.defer(() => this.#reaper[Symbol.dispose]());
    for (const task of this.#tasks.values()) scope.defer(() => task.destroy());
    this.#tasks.clear();
  }
}
