// A process added to a task: known here from its registration on, to LXD from its start on. How it ended the bridge tells, which outlives
// the daemon; where that is lost, its pid tells at least when.
import { setTimeout as sleep } from "node:timers/promises";
import { isNotFound, unknownError } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { ProcessExit, ProcessState } from "../../../api/core/task.js";
import type { Clock } from "../../../api/core/time.js";
import { Ending } from "../../engine-driver/ending.js";
import { alreadyFinished, noSuchProcess, notCreated, refusal, startFailure } from "../../engine-driver/words.js";
import type { LxdExecExit } from "../../lxd/bridge/client.js";
import { findExec } from "./find-exec.js";
import { isInGroup, processesIn, signalProcess } from "./host-processes.js";
import type { Streams, TaskName } from "./streams.js";
import type { SavedExec, TaskFile } from "./task-file.js";

const KILLED = 137;
const UNKNOWN_STATUS = 255;
/** Between looks whether an exec has a process yet. */
const LOOK_MS = 10;
const FIND_TIMEOUT_MS = 30_000;
/** Between looks whether one is still there that nobody else watches. */
const ALIVE_MS = 500;
/** What ends with init is told apart by a moment. */
const WITH_INIT_MS = 2_000;

export interface ExecDeps {
  readonly task: TaskName;
  readonly file: TaskFile;
  readonly streams: Streams;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the instance; undefined where LXD is on another host, or the instance has ended. */
  readonly group: () => Promise<string | undefined>;
  /** The driver lets go. */
  readonly disposed: AbortSignal;
}

export class LxdExec {
  readonly id: string;
  readonly ending = new Ending();
  readonly #deps: ExecDeps;

  /** The file knows it already. */
  constructor(id: string, deps: ExecDeps) {
    this.id = id;
    this.#deps = deps;
    if (this.exit !== undefined) this.ending.settle(this.exit);
  }

  get pid(): number {
    return this.#saved.pid;
  }

  get isStarted(): boolean {
    return this.#saved.isStarted;
  }

  get exit(): ProcessExit | undefined {
    const { pid, end } = this.#saved;
    return end === undefined ? undefined : { pid, ...end };
  }

  get state(): ProcessState {
    const { stdin, stdout, stderr, terminal, pid, isStarted } = this.#saved;
    const status = this.exit === undefined ? (isStarted ? "running" : "created") : "stopped";
    const end = this.exit ?? { exitStatus: 0, exitedAtNs: undefined };
    return { containerId: this.#deps.task.id, execId: this.id, status, ...end, pid, stdin, stdout, stderr, terminal };
  }

  /** One that a former daemon has started: its end is waited for again. */
  resume(): void {
    if (this.isStarted && this.exit === undefined) this.#watch(this.#exitOf());
  }

  /** To be called for one exec of a task at a time. @throws kind unknown when the program cannot be run: it may be started again then. */
  async start(): Promise<{ readonly pid: number }> {
    if (this.exit !== undefined) throw refusal("cannot start a stopped process");
    if (this.isStarted) throw refusal("cannot start a running process");
    const { streams, task, file } = this.#deps;
    const { stdin, stdout, stderr, terminal, command, env, uid, gid, cwd } = this.#saved;
    const { instance } = file.saved;
    const group = await this.#deps.group();
    const others = new Set(group === undefined ? [] : await processesIn(group));
    // Before LXD has it: a daemon that comes back asks for it.
    await this.#save({ isStarted: true });
    try {
      const stdio = { stdin, stdout, stderr, terminal };
      await streams.startExec(task, this.id, { instance, stdio, command, env, uid, gid, cwd });
      const exit = this.#exitOf();
      const { pid, end } =
        group === undefined ? { pid: 0, end: undefined } : await pidOf({ instance, group, command, others }, exit);
      if (end?.refusal !== undefined) throw unknownError(`lxd: ${end.refusal}`);
      if (pid !== 0) await this.#save({ pid });
      this.#watch(exit);
      return { pid };
    } catch (error) {
      await streams.releaseExec(task, this.id).catch(() => undefined);
      await this.#save({ isStarted: false });
      throw startFailure("OCI runtime exec failed", error);
    }
  }

  /** Init has ended, and everything else with it. */
  async endWithInit(): Promise<void> {
    if (!this.isStarted || this.exit !== undefined) return;
    await this.ending.wait(AbortSignal.timeout(WITH_INIT_MS)).catch(() => this.#ended(KILLED, this.#deps.clock()));
  }

  async kill(signalNumber: number): Promise<void> {
    if (this.exit !== undefined) throw alreadyFinished();
    if (!this.isStarted) throw notCreated();
    if (signalNumber === 0) return;
    const { streams, task, group } = this.#deps;
    try {
      await streams.killExec(task, this.id, signalNumber);
    } catch (error) {
      if (!isNotFound(error) || this.pid === 0) throw error;
      // Its bridge was lost.
      await signalProcess(await group(), this.pid, signalNumber);
    }
  }

  /** Nothing is left of it, here and in the file. @throws kind unknown while it runs. */
  async delete(): Promise<ProcessExit> {
    if (this.isStarted && this.exit === undefined) throw refusal("cannot delete a running process");
    const { pid, exitStatus, exitedAtNs } = this.state;
    const { streams, task, file } = this.#deps;
    if (this.isStarted) {
      await streams.execFinished(task, this.id);
      await streams.releaseExec(task, this.id);
    }
    await file.removeExec(this.id);
    this.ending.settle({ pid, exitStatus: KILLED, exitedAtNs: undefined });
    return { pid, exitStatus, exitedAtNs };
  }

  async closeStdin(): Promise<void> {
    const { streams, task } = this.#deps;
    if (this.isStarted && this.#saved.stdin !== "") await streams.closeExecInput(task, this.id);
  }

  async resize(width: number, height: number): Promise<void> {
    if (this.exit !== undefined) throw refusal("cannot resize a stopped container");
    const { streams, task } = this.#deps;
    if (this.isStarted && this.#saved.terminal) await streams.resizeExec(task, this.id, width, height);
  }

  get #saved(): SavedExec {
    const saved = this.#deps.file.exec(this.id);
    if (saved === undefined) throw noSuchProcess(this.id);
    return saved;
  }

  async #save(change: Partial<SavedExec>): Promise<void> {
    await this.#deps.file.updateExec(this.id, { ...this.#saved, ...change });
  }

  async #exitOf(): Promise<LxdExecExit> {
    const { streams, task, disposed } = this.#deps;
    return await streams.execExit(task, this.id, disposed);
  }

  #watch(exit: Promise<LxdExecExit>): void {
    const { log, clock, disposed } = this.#deps;
    exit
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
        return { exitStatus: UNKNOWN_STATUS, exitedAtNs: clock() };
      })
      .then(async ({ exitStatus, exitedAtNs }) => {
        const isLost = exitStatus === UNKNOWN_STATUS && (await this.#outlived());
        if (isLost) log.warn({ execId: this.id, pid: this.pid }, "nobody knows how an exec ended");
        await this.#ended(exitStatus, isLost ? clock() : exitedAtNs);
      })
      .catch((err: unknown) => {
        if (!disposed.aborted) log.warn({ err, execId: this.id }, "waiting for the end of an exec failed");
      });
  }

  /** LXD, or the bridge, has lost sight of it, and it may go on: resolves when it is gone. @returns whether it was there. */
  async #outlived(): Promise<boolean> {
    const group = this.pid === 0 ? undefined : await this.#deps.group();
    if (group === undefined || !(await isInGroup(this.pid, group))) return false;
    while (await isInGroup(this.pid, group))
      await sleep(ALIVE_MS, undefined, { signal: this.#deps.disposed, ref: false });
    return true;
  }

  async #ended(exitStatus: number, exitedAtNs: bigint): Promise<void> {
    // It was told already, or deleted.
    if (this.#deps.file.exec(this.id) === undefined || this.exit !== undefined) return;
    const end = { exitStatus, exitedAtNs };
    await this.#save({ end }).catch((err: unknown) => this.#deps.log.error({ err }, "saving an exit failed"));
    this.ending.settle({ pid: this.pid, ...end });
  }
}

/** 0, and how it ended, when that was before anybody saw it. @throws what `exit` throws before. */
async function pidOf(
  wanted: Parameters<typeof findExec>[0],
  exit: Promise<LxdExecExit>,
): Promise<{ readonly pid: number; readonly end?: LxdExecExit }> {
  for (const deadlineMs = performance.now() + FIND_TIMEOUT_MS; performance.now() < deadlineMs; ) {
    const pid = await findExec(wanted);
    if (pid !== undefined) return { pid };
    const end = await Promise.race([exit, sleep(LOOK_MS, undefined)]);
    if (end !== undefined) return { pid: 0, end };
  }
  return { pid: 0 };
}
