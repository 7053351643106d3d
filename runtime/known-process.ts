// What replies and events last told about one process. News may come late and out of order (an event travels another way than
// the reply), so a process never goes back: created, then running, then stopped.
import type { ProcessExit, ProcessState, Stdio, TaskStatus } from "../api/core/task.js";

const RANK: Readonly<Record<TaskStatus, number>> = {
  unknown: 0,
  created: 1,
  running: 2,
  pausing: 2,
  paused: 2,
  stopped: 3,
};

export class KnownProcess {
  #state: ProcessState;
  #isSure: boolean;

  constructor(containerId: string, execId: string, stdio: Stdio, pid: number) {
    const { stdin, stdout, stderr, terminal } = stdio;
    const exit = { exitStatus: 0, exitedAtNs: undefined };
    this.#state = { containerId, execId, pid, status: "created", ...exit, stdin, stdout, stderr, terminal };
    this.#isSure = true;
  }

  /** One of which nothing is known yet. */
  static unknown(containerId: string, execId: string, pid: number): KnownProcess {
    const known = new KnownProcess(containerId, execId, { stdin: "", stdout: "", stderr: "", terminal: false }, pid);
    known.#state = { ...known.#state, status: "unknown" };
    known.#isSure = false;
    return known;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** False when the news contradict each other; only the driver knows then. */
  get isSure(): boolean {
    return this.#isSure;
  }

  /** How it ended; undefined while it has not. */
  get exit(): ProcessExit | undefined {
    const { status, pid, exitStatus, exitedAtNs } = this.#state;
    return status === "stopped" && exitedAtNs !== undefined ? { pid, exitStatus, exitedAtNs } : undefined;
  }

  started(pid: number): void {
    this.#advance({ status: "running", pid });
  }

  exited(exit: ProcessExit): void {
    const { exitStatus, exitedAtNs } = exit;
    this.#advance({ status: "stopped", pid: exit.pid === 0 ? this.#state.pid : exit.pid, exitStatus, exitedAtNs });
  }

  paused(): void {
    if (this.#state.status === "running" || this.#state.status === "pausing") this.#advance({ status: "paused" });
  }

  resumed(): void {
    if (this.#state.status === "paused" || this.#state.status === "pausing") this.#advance({ status: "running" });
  }

  /** Something happened that the last news do not account for. */
  doubt(): void {
    if (this.#state.status !== "stopped") this.#isSure = false;
  }

  /** The driver's own answer replaces everything, unless the process was seen to end while the answer was on its way. */
  answered(state: ProcessState): void {
    if (RANK[state.status] < RANK[this.#state.status] && this.#state.status === "stopped") return;
    if (state.status === "unknown") return;
    this.#state = state;
    this.#isSure = state.status !== "pausing";
  }

  #advance(change: Partial<ProcessState> & { readonly status: TaskStatus }): void {
    if (RANK[change.status] < RANK[this.#state.status]) return;
    this.#state = { ...this.#state, ...change };
  }
}
