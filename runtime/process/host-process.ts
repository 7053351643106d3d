// One process of a task, its init or an exec: from the plan over the launcher that waits to its end.
import { ContainerdError } from "../../api/core/errors.js";
import type { ProcessExit, ProcessState, Stdio } from "../../api/core/task.js";
import { type Launcher, launch } from "./launcher.js";
import { applyLimits } from "./limits.js";
import { openProcessIO } from "./open-process-io.js";
import { type ProcessPlan, startFailure } from "./plan.js";
import type { ProcessIO } from "./process-io.js";
import type { Reaper } from "./reaper.js";
import type { OciProcess } from "./spec.js";

const SIGKILL = 9;
/** How long what a process wrote may take to arrive after its end, when it is to be forgotten. */
const LAST_OUTPUT_MS = 10_000;

export interface PrepareDeps {
  readonly namespace: string;
  /** Of the task. */
  readonly id: string;
  readonly reaper: Reaper;
  /** Called with the pid while the process waits; what it throws ends it. */
  readonly place: (pid: number) => Promise<void>;
  /** Puts a failure to start into words. */
  readonly failure: (error: unknown) => Error;
  readonly signal?: AbortSignal | undefined;
}

export class HostProcess implements AsyncDisposable {
  readonly execId: string;
  readonly stdio: Stdio;
  readonly spec: OciProcess;
  #pid = 0;
  #status: "created" | "running" | "stopped" = "created";
  #exit: ProcessExit | undefined;
  #launcher: Launcher | undefined;
  #io: ProcessIO | undefined;
  #output: Promise<void> | undefined;
  #isReaped = false;
  #isPrepared = false;
  #isUnstarted = false;
  #endedEarly: number | undefined;
  #gone: Promise<void> = Promise.resolve();
  readonly #waiting = new Set<(exit: ProcessExit) => void>();
  /** Called once when the kernel has told of its end. Not for one whose preparation failed. */
  onReaped: (exitStatus: number) => void = () => {};

  constructor(execId: string, stdio: Stdio, spec: OciProcess) {
    this.execId = execId;
    this.stdio = stdio;
    this.spec = spec;
  }

  /** 0 while there is none. */
  get pid(): number {
    return this.#pid;
  }

  get status(): "created" | "running" | "stopped" {
    return this.#status;
  }

  /** There is a process, also one that waits to begin. */
  get isAlive(): boolean {
    return this.#pid !== 0 && !this.#isReaped;
  }

  get exit(): ProcessExit {
    return this.#exit ?? { pid: this.#pid, exitStatus: 0, exitedAtNs: undefined };
  }

  state(containerId: string): ProcessState {
    const { stdin, stdout, stderr, terminal } = this.stdio;
    return { containerId, execId: this.execId, status: this.#status, ...this.exit, stdin, stdout, stderr, terminal };
  }

  /** Makes the process, which then waits to begin, or nothing. @throws what the plan's parts throw. */
  async prepare(plan: ProcessPlan, deps: PrepareDeps): Promise<void> {
    const { namespace, id, signal } = deps;
    this.#io = await openProcessIO(this.stdio, { namespace, id, signal, owner: plan.identity });
    try {
      await this.#launch(plan, this.#io, deps);
    } catch (error) {
      const io = this.#io;
      this.#io = undefined;
      await io[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #launch(plan: ProcessPlan, io: ProcessIO, { reaper, place, failure }: PrepareDeps): Promise<void> {
    try {
      const { descriptors, terminalPath } = io;
      const launcher = launch({ ...plan.launch, descriptors, terminalPath });
      this.#launcher = launcher;
      this.#pid = launcher.pid;
      this.#gone = new Promise((resolve) => {
        reaper.watch(launcher.pid, (exitStatus) => {
          this.#ended(launcher, exitStatus);
          resolve();
        });
      });
      io.handedOver();
      await launcher.ready();
      await place(launcher.pid);
      applyLimits(launcher.pid, this.spec);
      if (this.#endedEarly !== undefined) throw new Error("it was killed before it began");
    } catch (error) {
      await this.abandon();
      throw failure(startFailure(error));
    }
    this.#isPrepared = true;
    const { consoleSize } = this.spec;
    if (consoleSize != null) io.resize(consoleSize.width, consoleSize.height);
  }

  #ended(launcher: Launcher, exitStatus: number): void {
    launcher[Symbol.dispose]();
    this.#isReaped = true;
    this.#endedEarly ??= exitStatus;
    if (this.#isPrepared) this.onReaped(exitStatus);
  }

  /** Ends one that has not begun; nobody is told, and there is no process then. */
  async abandon(): Promise<void> {
    this.#isPrepared = false;
    this.#launcher?.[Symbol.dispose]();
    if (this.isAlive) process.kill(this.#pid, SIGKILL);
    await this.#gone;
    this.#pid = 0;
    this.#isReaped = false;
    this.#endedEarly = undefined;
  }

  /** The program begins. */
  begin(): void {
    this.#status = "running";
    this.#isUnstarted = false;
    this.#launcher?.release();
  }

  /** Everybody who waits is told. */
  settle(exit: ProcessExit): void {
    this.#status = "stopped";
    this.#exit = exit;
    this.#tell(exit);
  }

  /** Everybody who waits, until it is started, is told that there is nothing to wait for. */
  settleUnstarted(): void {
    this.#isUnstarted = true;
    this.#tell(this.exit);
  }

  #tell(exit: ProcessExit): void {
    for (const told of this.#waiting) told(exit);
    this.#waiting.clear();
  }

  /** Nothing more comes from it. */
  finishOutput(): void {
    this.#output ??= this.#io?.finish();
    this.#output?.catch(() => {});
  }

  /** Resolves when it has ended. @throws cancelled when the signal comes first. */
  async wait(signal?: AbortSignal): Promise<ProcessExit> {
    if (this.#exit !== undefined || this.#isUnstarted) return this.exit;
    if (signal?.aborted === true) throw new ContainerdError("cancelled", "context canceled");
    return await new Promise<ProcessExit>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting.delete(told);
        reject(new ContainerdError("cancelled", "context canceled"));
      };
      const told = (exit: ProcessExit): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve(exit);
      };
      this.#waiting.add(told);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Resolves when there is no process any more that the kernel has not told of. */
  async reaped(): Promise<void> {
    await this.#gone;
  }

  resize(width: number, height: number): void {
    this.#io?.resize(width, height);
  }

  closeStdin(): void {
    this.#io?.closeStdin();
  }

  /** Lets go of its streams, after a while for its last output to arrive. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#launcher?.[Symbol.dispose]();
    if (this.#output !== undefined) await within(LAST_OUTPUT_MS, this.#output);
    await this.#io?.[Symbol.asyncDispose]();
  }
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work.catch(() => {}), limit]);
  clearTimeout(timer);
}
