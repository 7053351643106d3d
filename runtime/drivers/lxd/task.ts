// One task: an instance of LXD as a client of ours sees it. Its init is what the image boots. How that ended LXD does not tell, but
// whether it was by force: that counts as SIGKILL, an end of its own accord as 0.
import { setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import {
  ContainerdError,
  ERROR_CLASSES,
  errorKind,
  isNotFound,
  notFound,
  notImplemented,
  unknownError,
} from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { ProcessExit, ProcessInfo, ProcessState, TaskMetrics, TaskStatus } from "../../../api/core/task.js";
import type { Clock } from "../../../api/core/time.js";
import type { DriverTask } from "../../driver.js";
import { KeyedMutex } from "../../keyed-mutex.js";
import { changeState, deleteInstance, getInstanceState } from "../../lxd/instances.js";
import type { LxdServer } from "../../lxd/server.js";
import type { TaskFile, TaskName } from "./task-file.js";

const INIT = "";
const SIGKILL = 9;
const SIGTERM = 15;
const MAX_SIGNAL = 64;
const SIGNAL_BASE = 128;
const UNKNOWN_STATUS = 255;
const STATE_TIMEOUT_MS = 1_500;
/** An end that is seen before its event waits so long for it. */
const NEWS_MS = 500;
const LOOK_MS = 10;
const FORCED = SIGNAL_BASE + SIGKILL;
/** How long an init that is asked to end may take before that is given up; nobody waits for it. */
const GRACE_MS = 600_000;

export interface LxdTaskDeps extends TaskName {
  readonly server: LxdServer;
  readonly file: TaskFile;
  readonly clock: Clock;
  readonly log: Logger;
  /** Ends what was asked of LXD and is not waited for. */
  readonly disposed: AbortSignal;
  /** The instance is gone by our own doing. */
  readonly forget: () => void;
  /** Somebody else has removed it. Must not reject. */
  readonly gone: (exit: ProcessExit, isExitKnown: boolean) => Promise<void>;
}

export class LxdTask implements DriverTask {
  readonly reportsEvents = false;
  readonly namespace: string;
  readonly id: string;
  readonly #deps: LxdTaskDeps;
  readonly #mutex = new KeyedMutex();
  readonly #over = new AbortController();
  #exit: ProcessExit | undefined;
  #gone: Promise<void> | undefined;
  #isBeingRemoved = false;
  /** The status of the end that is under way, as far as somebody has told it. */
  #verdict: number | undefined;

  constructor(deps: LxdTaskDeps) {
    this.#deps = deps;
    this.namespace = deps.namespace;
    this.id = deps.id;
    // Whoever waits for the end listens to it.
    setMaxListeners(0, this.#over.signal);
    const { end } = deps.file.saved;
    if (end !== undefined) this.#settle({ pid: this.pid, ...end });
  }

  get pid(): number {
    return this.#deps.file.saved.pid;
  }

  get bundle(): string {
    return this.#deps.file.bundle;
  }

  get instance(): string {
    return this.#deps.file.saved.instance;
  }

  async state(execId: string, signal?: AbortSignal): Promise<ProcessState> {
    requireInit(execId);
    const status = await this.#status(signal);
    const end = this.#exit ?? { exitStatus: 0, exitedAtNs: undefined };
    const stdio = { stdin: "", stdout: "", stderr: "", terminal: false };
    return { containerId: this.id, execId, status, ...end, pid: this.pid, ...stdio };
  }

  async start(execId: string): Promise<{ readonly pid: number }> {
    requireInit(execId);
    return await this.#mutex.run(INIT, async () => {
      const status = await this.#status();
      if (status !== "created") throw refusal(`cannot start a ${status} process`);
      await changeState(this.#deps.server, this.instance, "start");
      await this.#deps.file.update({ isStarted: true });
      await this.look();
      return { pid: this.pid };
    });
  }

  async delete(execId: string): Promise<ProcessExit> {
    requireInit(execId);
    return await this.#mutex.run(INIT, async () => {
      const status = await this.#status();
      if (status === "running" || status === "paused") {
        throw refusal(`failed to delete task: cannot delete a ${status} process`);
      }
      this.#isBeingRemoved = true;
      try {
        await deleteInstance(this.#deps.server, this.instance).catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      } catch (error) {
        this.#isBeingRemoved = false;
        throw error;
      }
      await this.#deps.file.remove();
      this.#deps.forget();
      return this.#exit ?? { pid: this.pid, exitStatus: 0, exitedAtNs: undefined };
    });
  }

  async kill(execId: string, signalNumber: number, _all: boolean, signal?: AbortSignal): Promise<void> {
    requireInit(execId);
    if (!Number.isInteger(signalNumber) || signalNumber < 0 || signalNumber > MAX_SIGNAL) {
      throw unknownError(`unknown error after kill: invalid signal ${signalNumber}: unknown`);
    }
    const status = await this.#status(signal);
    if (status === "stopped") throw notFound("process already finished");
    if (signalNumber === 0) return;
    const isForced = signalNumber === SIGKILL;
    if (!isForced && signalNumber !== SIGTERM) throw notImplemented(`signal ${signalNumber} for a system container`);
    if (status === "created") return await this.#ended(SIGNAL_BASE + signalNumber);
    if (isForced) {
      this.#verdict = FORCED;
      return await this.#stop(true);
    }
    // An init takes its time; who wants to know waits for the task.
    this.#stop(false).catch((err: unknown) => this.#deps.log.debug({ err }, "asking an instance to stop failed"));
  }

  async pause(signal?: AbortSignal): Promise<void> {
    const status = await this.#status(signal);
    if (status === "created") throw refusal("cannot pause task in created state");
    if (status !== "running") throw refusal(`cannot pause a ${status} container`);
    await changeState(this.#deps.server, this.instance, "freeze", { signal });
  }

  async resume(signal?: AbortSignal): Promise<void> {
    const status = await this.#status(signal);
    if (status === "created") throw refusal("cannot resume task in created state");
    if (status !== "paused")
      throw refusal(`cannot resume a ${status} ${status === "stopped" ? "container" : "process"}`);
    await changeState(this.#deps.server, this.instance, "unfreeze", { signal });
  }

  async wait(execId: string, signal?: AbortSignal): Promise<ProcessExit> {
    requireInit(execId);
    const over = this.#over.signal;
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        over.removeEventListener("abort", onOver);
        const kind = errorKind(signal?.reason) === "deadline_exceeded" ? "deadline_exceeded" : "cancelled";
        reject(new ContainerdError(kind, ERROR_CLASSES[kind], { cause: signal?.reason }));
      };
      const onOver = (): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      if (over.aborted) return resolve();
      if (signal?.aborted === true) return onAbort();
      over.addEventListener("abort", onOver, { once: true });
      signal?.addEventListener("abort", onAbort, { once: true });
    });
    return this.#exit ?? { pid: this.pid, exitStatus: UNKNOWN_STATUS, exitedAtNs: this.#deps.clock() };
  }

  async exec(): Promise<void> {
    throw notImplemented("exec in a system container");
  }

  async resizePty(): Promise<void> {}

  async closeIO(): Promise<void> {}

  async pids(): Promise<ProcessInfo[]> {
    throw notImplemented("the processes of a system container");
  }

  async stats(): Promise<TaskMetrics["data"]> {
    throw notImplemented("the metrics of a system container");
  }

  async update(): Promise<void> {
    throw notImplemented("an update of a system container");
  }

  async checkpoint(): Promise<void> {
    throw notImplemented("a checkpoint of a system container");
  }

  /** News of LXD about its instance. Must not throw. */
  heard(action: string): void {
    if (action === "instance-shutdown") this.#verdict = 0;
    if (action === "instance-stopped") this.#verdict = FORCED;
    this.look().catch((err: unknown) => this.#deps.log.debug({ err }, "lxd does not tell of a task"));
  }

  /** Asks LXD and learns. @throws unavailable, deadline_exceeded; not_found, then it is gone. */
  async look(signal?: AbortSignal): Promise<TaskStatus> {
    try {
      const options = { signal, timeoutMs: STATE_TIMEOUT_MS };
      const { status, pid } = await getInstanceState(this.#deps.server, this.instance, options);
      if (this.#exit !== undefined) return "stopped";
      const { isStarted } = this.#deps.file.saved;
      if (status === "Stopped") {
        if (!isStarted) return "created";
        await this.#ended(await this.#awaitVerdict());
        return "stopped";
      }
      // It may have been started by somebody else, or anew from inside.
      if (pid !== 0 && (pid !== this.pid || !isStarted)) {
        this.#verdict = undefined;
        await this.#deps.file.update({ pid, isStarted: true });
      }
      return status === "Frozen" ? "paused" : "running";
    } catch (error) {
      if (isNotFound(error) && !this.#isBeingRemoved) {
        this.#gone ??= this.#tellGone();
        await this.#gone;
      }
      throw error;
    }
  }

  /** Lets go; the instance goes on. */
  async [Symbol.asyncDispose](): Promise<void> {}

  async #status(signal?: AbortSignal): Promise<TaskStatus> {
    return this.#exit === undefined ? await this.look(signal) : "stopped";
  }

  async #awaitVerdict(): Promise<number> {
    for (const deadline = performance.now() + NEWS_MS; performance.now() < deadline; await sleep(LOOK_MS)) {
      if (this.#verdict !== undefined) return this.#verdict;
    }
    return UNKNOWN_STATUS;
  }

  async #stop(isForced: boolean): Promise<void> {
    const { server, disposed } = this.#deps;
    await changeState(server, this.instance, "stop", { isForced, graceMs: GRACE_MS, signal: disposed });
  }

  async #ended(exitStatus: number): Promise<void> {
    if (this.#exit !== undefined) return;
    const end = { exitStatus, exitedAtNs: this.#deps.clock() };
    this.#exit = { pid: this.pid, ...end };
    // Who waits is told, whatever the file says: its disk may be full.
    await this.#deps.file
      .update({ end })
      .catch((err: unknown) => this.#deps.log.error({ err }, "saving an exit failed"));
    this.#settle(this.#exit);
  }

  async #tellGone(): Promise<void> {
    const known = this.#exit;
    const exit = known ?? { pid: this.pid, exitStatus: UNKNOWN_STATUS, exitedAtNs: this.#deps.clock() };
    await this.#deps.file.remove();
    await this.#deps.gone(exit, known !== undefined);
    this.#settle(exit);
  }

  #settle(exit: ProcessExit): void {
    this.#exit ??= exit;
    this.#over.abort();
  }
}

/** What a state does not allow, in the words of runc's shim, which clients know. */
const refusal = (message: string): ContainerdError => unknownError(`${message}: unknown`);

/** @throws not_found: nobody can add another. */
function requireInit(execId: string): void {
  if (execId !== INIT) throw notFound(`process does not exist ${execId}`);
}
