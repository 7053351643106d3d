// A process that is none: the states of one, who waits for it, and a few programs that it can pretend to run.
import { unknownError } from "../../../api/core/errors.js";
import type { ProcessExit, ProcessState, Stdio, TaskStatus } from "../../../api/core/task.js";
import type { Clock } from "../../../api/core/time.js";

const SIGNAL_BASE = 128;

/** How a program ends by itself; undefined for one that runs until it is killed. @throws kind unknown for one that is not there. */
export function programExit(args: readonly string[]): number | undefined {
  const [program = "", flag = "", script = ""] = args;
  if (program === "true") return 0;
  if (program === "false") return 1;
  if (program === "sleep" || program === "cat") return undefined;
  if (program === "sh") {
    const status = /^exit (\d+)$/.exec(script)?.[1];
    return flag === "-c" && status !== undefined ? Number(status) : undefined;
  }
  throw unknownError(`exec: ${JSON.stringify(program)}: executable file not found in $PATH: unknown`);
}

export class FakeProcess {
  readonly execId: string;
  readonly args: readonly string[];
  readonly exited: Promise<ProcessExit>;
  readonly #clock: Clock;
  readonly #stdio: Stdio;
  #settle: (exit: ProcessExit) => void = () => {};
  #status: TaskStatus = "created";
  #exit: ProcessExit | undefined;
  pid: number;

  constructor(execId: string, args: readonly string[], stdio: Stdio, pid: number, clock: Clock) {
    this.execId = execId;
    this.args = args;
    this.pid = pid;
    this.#stdio = stdio;
    this.#clock = clock;
    this.exited = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  get status(): TaskStatus {
    return this.#status;
  }

  /** As it is answered to whoever asks; unset times and a status of 0 while it has not ended. */
  get exit(): ProcessExit {
    return this.#exit ?? { pid: this.pid, exitStatus: 0, exitedAtNs: undefined };
  }

  state(containerId: string): ProcessState {
    const { stdin, stdout, stderr, terminal } = this.#stdio;
    const { execId } = this;
    return { containerId, execId, status: this.#status, ...this.exit, stdin, stdout, stderr, terminal };
  }

  /** The caller has checked that it may. */
  become(status: "running" | "paused"): void {
    this.#status = status;
  }

  end(exitStatus: number): void {
    if (this.#status === "stopped") return;
    this.#status = "stopped";
    this.#exit = { pid: this.pid, exitStatus, exitedAtNs: this.#clock() };
    this.#settle(this.#exit);
  }

  endBySignal(signalNumber: number): void {
    this.end(SIGNAL_BASE + signalNumber);
  }
}
