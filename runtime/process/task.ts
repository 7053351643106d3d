// A task: its init process, its execs, and what each state allows, in the runtime's words.
// @source containerd runtime/v2/runc (init_state.go, exec_state.go, service.go: states, texts, the order of events)
import {
  alreadyExists,
  failedPrecondition,
  invalidArgument,
  notFound,
  unknownError,
  wrapError,
} from "../../api/core/errors.js";
import { validateIdentifier } from "../../api/core/identifiers.js";
import type { Logger } from "../../api/core/log.js";
import type { ExecOptions, ProcessExit, ProcessInfo, ProcessState, TaskStatus } from "../../api/core/task.js";
import type { Clock } from "../../api/core/time.js";
import type { Any } from "../../api/core/typeurl.js";
import { KeyedMutex } from "../keyed-mutex.js";
import { hasCode } from "../sys/errno.js";
import { deleteEvent, execAddedEvent, exitEvent, freezeEvent, startEvent, type TaskEvent } from "../task-events.js";
import { missingRight } from "./capabilities.js";
import { Freezer, refusal } from "./freezer.js";
import { HostProcess } from "./host-process.js";
import type { ProcessOptions } from "./options.js";
import { planProcess } from "./plan.js";
import type { ProcessTask } from "./process-task.js";
import type { Reaper } from "./reaper.js";
import { processRefusals, refuse } from "./refusals.js";
import { sendSignal } from "./session.js";
import { parseProcess, parseResources } from "./spec.js";
import type { TaskProcesses } from "./task-processes.js";
import { writeTraces } from "./traces.js";

const SIGKILL = 9;
const KILLED = 128 + SIGKILL;
const MAX_SIGNAL = 64;
const INIT = "";
const EXEC_FAILED = "OCI runtime exec failed: exec failed";

export interface TaskDeps {
  readonly namespace: string;
  readonly id: string;
  readonly bundle: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly options: ProcessOptions;
  readonly reaper: Reaper;
  readonly clock: Clock;
  readonly log: Logger;
  readonly processes: TaskProcesses;
  readonly tell: (event: TaskEvent) => void;
  /** It has been deleted. */
  readonly onDeleted: () => void;
}

export class HostTask implements ProcessTask {
  readonly #deps: TaskDeps;
  readonly #init: HostProcess;
  readonly #execs = new Map<string, HostProcess>();
  /** Keyed by process: what changes its state is done one after another. */
  readonly #mutex = new KeyedMutex();
  readonly #freezer: Freezer;
  #isEnding = false;

  /** `init` is prepared. */
  constructor(deps: TaskDeps, init: HostProcess) {
    this.#deps = deps;
    this.#init = init;
    this.#freezer = new Freezer({
      processes: deps.processes,
      status: () => this.#endingOr(this.#status),
      tell: (topic) => deps.tell(freezeEvent(deps.id, topic)),
    });
    init.onReaped = (exitStatus) => void this.#initEnded(exitStatus);
  }

  get id(): string {
    return this.#deps.id;
  }

  get bundle(): string {
    return this.#deps.bundle;
  }

  get annotations(): Readonly<Record<string, string>> {
    return this.#deps.annotations;
  }

  get pid(): number {
    return this.#init.pid;
  }

  get #status(): TaskStatus {
    return this.#init.status === "running" ? (this.#freezer.state ?? "running") : this.#init.status;
  }

  /** Its end begins with that of its init and takes until nothing is left. */
  #endingOr(status: TaskStatus): TaskStatus {
    return this.#isEnding ? "stopped" : status;
  }

  #process(execId: string): HostProcess {
    const process = execId === INIT ? this.#init : this.#execs.get(execId);
    if (process === undefined) throw notFound(`process does not exist ${execId}`);
    return process;
  }

  state(execId: string): ProcessState {
    const state = this.#process(execId).state(this.id);
    return state.status === "running" ? { ...state, status: this.#freezer.state ?? "running" } : state;
  }

  async start(execId: string): Promise<{ readonly pid: number }> {
    return await this.#mutex.run(execId, async () => {
      const process = this.#process(execId);
      const status = execId === INIT ? this.#status : process.status;
      if (status !== "created") throw refusal(`cannot start a ${status} process`);
      if (execId !== INIT) await this.#prepareExec(process);
      process.begin();
      this.#deps.tell(startEvent(this.id, execId, process.pid));
      return { pid: process.pid };
    });
  }

  async #prepareExec(exec: HostProcess): Promise<void> {
    const { namespace, reaper, processes, bundle } = this.#deps;
    const failure = (error: unknown): Error => wrapError(EXEC_FAILED, error);
    const place = async (pid: number): Promise<void> => {
      await processes.add(pid);
      writeTraces(bundle, processes.leaders, processes.cgroupFolders);
      // Who ends everything may have looked just before.
      this.#checkExecs();
    };
    try {
      this.#checkExecs();
      const plan = during(failure, () => planProcess(exec.spec));
      await exec.prepare(plan, { namespace, id: this.id, reaper, place, failure });
    } catch (error) {
      exec.settleUnstarted();
      throw error;
    }
    exec.onReaped = (exitStatus) => this.#ended(exec, exitStatus);
  }

  /** @throws unknown when no exec can be started now. */
  #checkExecs(): void {
    const status = this.#endingOr(this.#status);
    if (status === "stopped") throw refusal(`${EXEC_FAILED}: cannot exec in a stopped container`);
    if (status === "created" || status === "running") return;
    throw refusal(`${EXEC_FAILED}: cannot exec in a paused container (use --ignore-paused to override)`);
  }

  #ended(process: HostProcess, exitStatus: number): void {
    const exit = { pid: process.pid, exitStatus, exitedAtNs: this.#deps.clock() };
    this.#settle(process, exit);
  }

  #settle(process: HostProcess, exit: ProcessExit): void {
    process.settle(exit);
    process.finishOutput();
    this.#deps.tell(exitEvent(this.id, process.execId, exit));
  }

  /** Nothing of a task outlives its init, and its execs are told of first. */
  async #initEnded(exitStatus: number): Promise<void> {
    const exit = { pid: this.pid, exitStatus, exitedAtNs: this.#deps.clock() };
    await this.#endAll();
    this.#freezer.forget();
    this.#settle(this.#init, exit);
  }

  async #endAll(): Promise<void> {
    this.#isEnding = true;
    try {
      await this.#deps.processes.killAll();
      const alive = [...this.#execs.values()].filter((exec) => exec.isAlive);
      await Promise.all(alive.map((exec) => exec.reaped()));
    } catch (error) {
      this.#deps.log.error({ id: this.id, err: error }, "processes of an ended task could not be killed");
    }
  }

  async delete(execId: string): Promise<ProcessExit> {
    return await this.#mutex.run(execId, async () => {
      const process = this.#process(execId);
      const status = execId === INIT ? this.#status : process.status;
      if (status !== "created" && status !== "stopped") throw refusal(`cannot delete a ${status} process`);
      if (execId !== INIT) {
        await process[Symbol.asyncDispose]();
        this.#execs.delete(execId);
        await this.#deps.processes.forget(process.pid);
        return process.exit;
      }
      const { pid, exit } = { pid: process.pid, exit: process.exit };
      if (status === "created") await this.#endUnstarted(pid);
      await this.#letGo();
      this.#deps.tell(deleteEvent(this.id, exit));
      this.#deps.onDeleted();
      return exit;
    });
  }

  /** Its end is told without a time, as one that never was. */
  async #endUnstarted(pid: number): Promise<void> {
    await this.#init.abandon();
    await this.#endAll();
    this.#settle(this.#init, { pid, exitStatus: KILLED, exitedAtNs: undefined });
  }

  async #letGo(): Promise<void> {
    await this.#deps.processes.remove();
    for (const process of [this.#init, ...this.#execs.values()]) await process[Symbol.asyncDispose]();
  }

  /** Ends and removes all of it in whatever state, and tells nobody. */
  async destroy(): Promise<void> {
    for (const process of [this.#init, ...this.#execs.values()]) process.onReaped = () => {};
    await this.#endAll();
    await this.#init.abandon();
    await this.#letGo();
  }

  async kill(execId: string, signalNumber: number, all: boolean): Promise<void> {
    const process = this.#process(execId);
    if (process.status === "stopped") throw notFound("process already finished");
    if (process.pid === 0) throw failedPrecondition("process not created");
    if (!Number.isInteger(signalNumber) || signalNumber < 0 || signalNumber > MAX_SIGNAL) {
      throw unknownError(`unknown error after kill: invalid signal ${signalNumber}`);
    }
    const isInit = execId === INIT;
    try {
      // Once it is reaped the kernel may give its pid to anybody.
      if (!process.isAlive) throw notFound("process already finished");
      if (isInit && all) await this.#deps.processes.signalAll(signalNumber);
      else if (!sendSignal(process.pid, signalNumber)) throw notFound("process already finished");
      // It dies at once, although it was stopped where it was.
      if (isInit && signalNumber === SIGKILL && this.#freezer.state !== undefined) await this.#deps.processes.thaw();
    } catch (error) {
      if (hasCode(error, "EPERM")) throw missingRight(`a signal for process ${process.pid}`, "CAP_KILL");
      throw error;
    }
  }

  async exec(execId: string, options: ExecOptions): Promise<void> {
    if (execId === "") throw invalidArgument("exec id cannot be empty");
    validateIdentifier(execId);
    if (this.#execs.has(execId)) throw alreadyExists(`id ${execId}`);
    const status = this.#endingOr(this.#status);
    if (status !== "created" && status !== "running") throw refusal(`cannot exec in a ${status} state`);
    const spec = parseProcess(options.spec.value);
    refuse(processRefusals(spec), this.#deps.options);
    const { stdin, stdout, stderr, terminal } = options;
    this.#execs.set(execId, new HostProcess(execId, { stdin, stdout, stderr, terminal }, { ...spec, terminal }));
    this.#deps.tell(execAddedEvent(this.id, execId));
  }

  resizePty(execId: string, width: number, height: number): void {
    const process = this.#process(execId);
    if (execId !== INIT && process.status === "stopped") throw refusal("cannot resize a stopped container");
    process.resize(width, height);
  }

  closeIO(execId: string, stdin: boolean): void {
    const process = this.#process(execId);
    if (stdin) process.closeStdin();
  }

  async pause(): Promise<void> {
    await this.#freezer.pause();
  }

  async resume(): Promise<void> {
    await this.#freezer.resume();
  }

  async pids(): Promise<ProcessInfo[]> {
    return await this.#deps.processes.list(new Map([...this.#execs].map(([execId, exec]) => [exec.pid, execId])));
  }

  async stats(): Promise<Any> {
    return await this.#deps.processes.stats();
  }

  async update(resources: Any): Promise<void> {
    if (this.#init.status === "stopped") throw refusal("cannot update a stopped container");
    await this.#deps.processes.update(parseResources(resources.value));
  }

  async wait(execId: string, signal?: AbortSignal): Promise<ProcessExit> {
    return await this.#process(execId).wait(signal);
  }
}

function during<T>(failure: (error: unknown) => Error, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw failure(error);
  }
}
