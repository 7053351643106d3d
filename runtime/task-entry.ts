// A task in the manager's list: the driver's handle, and what is known of its processes without asking.
import { isNotFound } from "../api/core/errors.js";
import type { ProcessExit, ProcessState, Stdio } from "../api/core/task.js";
import type { DriverTask } from "./driver.js";
import { KnownProcess } from "./known-process.js";

export class TaskEntry {
  readonly task: DriverTask;
  readonly init: KnownProcess;
  readonly #execs = new Map<string, KnownProcess>();
  /** Pids of deleted execs whose exit event is still on its way; it must not be taken for that of a new exec of the same id. */
  readonly #retiredPids = new Set<number>();
  readonly #exitReported = new WeakSet<KnownProcess>();
  /** What the client asked for, where init was given other stdio. */
  readonly #asked: Stdio | undefined;
  #isSilent = false;
  #refreshing: Promise<void> | undefined;

  constructor(task: DriverTask, init: KnownProcess, asked?: Stdio) {
    this.task = task;
    this.init = init;
    this.#asked = asked;
  }

  /** Whether the ledger has heard of the end of a process. */
  isExitReported(execId: string): boolean {
    const known = this.process(execId);
    return known !== undefined && this.#exitReported.has(known);
  }

  /** Undefined for an exec that nobody has told of. */
  process(execId: string): KnownProcess | undefined {
    return execId === "" ? this.init : this.#execs.get(execId);
  }

  /** Pids of the execs that are known and were not deleted, by id; of those that have run. */
  execPids(): Map<string, number> {
    const pids = [...this.#execs].map(([execId, { state }]) => [execId, state.pid] as const);
    return new Map(pids.filter(([, pid]) => pid !== 0));
  }

  execAdded(execId: string, known: KnownProcess): void {
    this.#execs.set(execId, known);
  }

  execDeleted(execId: string): void {
    const known = this.#execs.get(execId);
    this.#execs.delete(execId);
    const pid = known?.state.pid ?? 0;
    if (known !== undefined && pid !== 0 && !this.#exitReported.has(known)) this.#retiredPids.add(pid);
  }

  /** A start event, of init or an exec. */
  startReported(execId: string, pid: number): void {
    if (this.#retiredPids.has(pid)) return;
    const known = this.process(execId);
    // Init has had its pid since it was created, so another one is that of a former task.
    if (known === undefined || (execId === "" && known.state.pid !== 0 && known.state.pid !== pid)) return;
    known.started(pid);
  }

  /** An exit event. `id` is the exec's or the container's, and an exec may have the same id as its container. */
  exitReported(id: string, exit: ProcessExit): void {
    if (this.#retiredPids.delete(exit.pid)) return;
    const isInit = id === this.task.id && exit.pid === this.init.state.pid;
    const known = isInit ? this.init : this.#execs.get(id);
    if (known === undefined || known.state.pid !== exit.pid) return;
    known.exited(exit);
    this.#exitReported.add(known);
  }

  /** An event that says paused or resumed. The replies to our own calls are what we go by; this one may be an old one. */
  freezeReported(status: "paused" | "running"): void {
    if (this.init.state.status !== status) this.init.doubt();
  }

  /**
   * Asks the driver, which takes 2 seconds at most, and remembers the answer.
   * @throws what the driver says; the last known state is then the best there is.
   */
  async ask(execId: string, signal?: AbortSignal): Promise<ProcessState> {
    try {
      const answer = await this.task.state(execId, signal);
      const state = execId === "" ? { ...answer, ...this.#asked } : answer;
      this.#isSilent = false;
      let known = this.process(execId);
      if (known === undefined) {
        known = new KnownProcess(state.containerId, execId, state, state.pid);
        this.execAdded(execId, known);
      }
      known.answered(state);
      return state;
    } catch (error) {
      if (signal?.aborted !== true && !isNotFound(error)) this.#isSilent = true;
      throw error;
    }
  }

  /**
   * The state of init for a listing: what is known where that is sure, else the driver's answer. A driver that failed to answer
   * before is not waited for again, only asked.
   */
  async listed(): Promise<ProcessState> {
    if (!this.init.isSure) {
      this.#refreshing ??= this.ask("")
        .then(
          () => {},
          () => {},
        )
        .finally(() => {
          this.#refreshing = undefined;
        });
      if (!this.#isSilent) await this.#refreshing;
    }
    return this.init.state;
  }
}
