// Events for drivers that report none: the same task, but what happens to it is told, in the order that shims keep.
import type { ExitDetails } from "../api/core/exit-record.js";
import type { ExecOptions, ProcessExit, ProcessInfo, ProcessState } from "../api/core/task.js";
import type { Any } from "../api/core/typeurl.js";
import type { DriverTask } from "./driver.js";
import {
  type CreatedTask,
  createEvent,
  deleteEvent,
  execAddedEvent,
  exitEvent,
  freezeEvent,
  startEvent,
  type TaskEvent,
} from "./task-events.js";

/** Hands one event to the ledger; resolves when it is there. Must not reject. */
export type Report = (event: TaskEvent) => Promise<void>;

export class ReportingTask implements DriverTask {
  readonly reportsEvents = true;
  readonly #task: DriverTask;
  readonly #report: Report;
  readonly #released = new AbortController();
  /** Events leave one after another. */
  #tail: Promise<void> = Promise.resolve();
  /** Starts under way: the exit of a process is told after its start. */
  readonly #starts = new Map<string, Promise<unknown>>();
  readonly #exits = new Map<string, Promise<void>>();
  /** Starts that were told here. */
  readonly #told = new Set<string>();

  constructor(task: DriverTask, report: Report) {
    this.#task = task;
    this.#report = report;
  }

  get namespace(): string {
    return this.#task.namespace;
  }

  get id(): string {
    return this.#task.id;
  }

  get pid(): number {
    return this.#task.pid;
  }

  get bundle(): string {
    return this.#task.bundle;
  }

  /** To be called once for a new task. */
  async created(task: CreatedTask): Promise<void> {
    this.watchExit("");
    await this.#emit(createEvent(this.id, task));
  }

  async startedExecs(): Promise<readonly string[]> {
    return (await this.#task.startedExecs?.()) ?? [];
  }

  /** Tells when the process ends. For what was found running; the others are watched from their start. */
  watchExit(execId: string): void {
    const exit = this.#task.wait(execId, this.#released.signal).then(
      async (ended) => {
        await this.#starts.get(execId);
        if (this.#released.signal.aborted) return;
        // A start whose answer was lost, with a daemon or on the way from an engine, has been told by nobody.
        const isUntold = !this.#told.has(execId) && ended.pid !== 0 && ended.exitedAtNs !== undefined;
        if (isUntold) await this.#emit(startEvent(this.id, execId, ended.pid));
        await this.#emit(exitEvent(this.id, execId, ended));
      },
      () => {},
    );
    this.#exits.set(execId, exit);
  }

  async start(execId: string, signal?: AbortSignal): Promise<{ readonly pid: number }> {
    const started = this.#task.start(execId, signal).then(async (reply) => {
      this.#told.add(execId);
      await this.#emit(startEvent(this.id, execId, reply.pid));
      return reply;
    });
    this.#starts.set(
      execId,
      started.catch(() => {}),
    );
    try {
      const reply = await started;
      if (execId !== "") this.watchExit(execId);
      return reply;
    } finally {
      this.#starts.delete(execId);
    }
  }

  async delete(execId: string): Promise<ProcessExit> {
    const exit = await this.#task.delete(execId);
    await this.#exits.get(execId);
    this.#exits.delete(execId);
    this.#told.delete(execId);
    if (execId === "") await this.#emit(deleteEvent(this.id, exit));
    return exit;
  }

  async exec(execId: string, options: ExecOptions, signal?: AbortSignal): Promise<void> {
    await this.#task.exec(execId, options, signal);
    await this.#emit(execAddedEvent(this.id, execId));
  }

  async pause(signal?: AbortSignal): Promise<void> {
    await this.#task.pause(signal);
    await this.#emit(freezeEvent(this.id, "paused"));
  }

  async resume(signal?: AbortSignal): Promise<void> {
    await this.#task.resume(signal);
    await this.#emit(freezeEvent(this.id, "resumed"));
  }

  state(execId: string, signal?: AbortSignal): Promise<ProcessState> {
    return this.#task.state(execId, signal);
  }

  kill(execId: string, signalNumber: number, all: boolean, signal?: AbortSignal): Promise<void> {
    return this.#task.kill(execId, signalNumber, all, signal);
  }

  resizePty(execId: string, width: number, height: number, signal?: AbortSignal): Promise<void> {
    return this.#task.resizePty(execId, width, height, signal);
  }

  closeIO(execId: string, stdin: boolean, signal?: AbortSignal): Promise<void> {
    return this.#task.closeIO(execId, stdin, signal);
  }

  pids(signal?: AbortSignal): Promise<ProcessInfo[]> {
    return this.#task.pids(signal);
  }

  stats(signal?: AbortSignal): Promise<Any | undefined> {
    return this.#task.stats(signal);
  }

  update(resources: Any, annotations: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void> {
    return this.#task.update(resources, annotations, signal);
  }

  checkpoint(path: string, options: Any | undefined, signal?: AbortSignal): Promise<void> {
    return this.#task.checkpoint(path, options, signal);
  }

  exitDetails(execId: string): ExitDetails | undefined {
    return this.#task.exitDetails?.(execId);
  }

  wait(execId: string, signal?: AbortSignal): Promise<ProcessExit> {
    return this.#task.wait(execId, signal);
  }

  /** Tells no more exits; resolves when what was told before is in the ledger. */
  async silence(): Promise<void> {
    this.#released.abort();
    await this.#tail;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.silence();
    await this.#task[Symbol.asyncDispose]();
  }

  #emit(event: TaskEvent): Promise<void> {
    this.#tail = this.#tail.then(() => this.#report(event));
    return this.#tail;
  }
}
