// A process added to a task: known here from its registration on, to the engine from its start on.
import { isNotFound } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { ProcessExit, ProcessState } from "../../../api/core/task.js";
import type { Clock } from "../../../api/core/time.js";
import type { Engine } from "../../docker/engine.js";
import { Ending } from "../../engine-driver/ending.js";
import { alreadyFinished, noSuchProcess, notCreated, refusal, startFailure } from "../../engine-driver/words.js";
import { containerPids, signalProcess } from "./host-processes.js";
import { registerExec, startExec, streamsOf } from "./start-exec.js";
import type { Streams } from "./streams.js";
import type { SavedExec, TaskFile } from "./task-file.js";
import { type ExecView, STATE_TIMEOUT_MS, viewExec } from "./views.js";

const KILLED = 137;
const UNKNOWN_STATUS = 255;

export interface ExecDeps {
  readonly namespace: string;
  readonly taskId: string;
  readonly engine: Engine;
  readonly file: TaskFile;
  readonly streams: Streams;
  readonly clock: Clock;
  readonly log: Logger;
  /** No exec outlives it. */
  readonly hasInitEnded: () => boolean;
}

export class DockerExec {
  readonly id: string;
  readonly ending = new Ending();
  readonly #deps: ExecDeps;
  #isStarting = false;
  #hasDiedMeanwhile = false;

  /** The file knows it already. */
  constructor(id: string, deps: ExecDeps) {
    this.id = id;
    this.#deps = deps;
    if (this.exit !== undefined) this.ending.settle(this.exit);
  }

  /** As the engine calls it; undefined before its start. */
  get dockerExecId(): string | undefined {
    return this.#saved.dockerExecId;
  }

  get pid(): number {
    return this.#saved.pid;
  }

  get exit(): ProcessExit | undefined {
    const { pid, end } = this.#saved;
    return end === undefined ? undefined : { pid, ...end };
  }

  /** Has been started and has not been seen to end. */
  get isUnderWay(): boolean {
    return this.dockerExecId !== undefined && this.exit === undefined;
  }

  /** What is known, without asking. */
  get state(): ProcessState {
    const { stdin, stdout, stderr, terminal, pid } = this.#saved;
    const status = this.exit === undefined ? (pid === 0 ? "created" : "running") : "stopped";
    const end = this.exit ?? { exitStatus: 0, exitedAtNs: undefined };
    return { containerId: this.#deps.taskId, execId: this.id, status, ...end, pid, stdin, stdout, stderr, terminal };
  }

  /** @throws kind unknown when the program cannot be run: it may be started again then. */
  async start(): Promise<{ readonly pid: number }> {
    if (this.exit !== undefined) throw refusal("cannot start a stopped process");
    if (this.isUnderWay) throw refusal("cannot start a running process");
    this.#isStarting = true;
    this.#hasDiedMeanwhile = false;
    try {
      const view = await this.#begin();
      await this.#save({ pid: view.pid });
      if (view.exitStatus !== undefined) await this.ended(view.exitStatus);
      return { pid: view.pid };
    } catch (error) {
      throw startFailure("OCI runtime exec failed", error);
    } finally {
      this.#isStarting = false;
      if (this.#hasDiedMeanwhile) await this.look().catch(() => undefined);
      if (this.#deps.hasInitEnded()) await this.endWithInit();
    }
  }

  /** Asks the engine, for as long as it takes. @throws unavailable, deadline_exceeded. */
  async look(signal?: AbortSignal): Promise<void> {
    const { dockerExecId } = this;
    if (dockerExecId === undefined || !this.isUnderWay || this.#isStarting) return;
    let view: ExecView;
    try {
      view = await viewExec(this.#deps.engine, dockerExecId, signal);
    } catch (error) {
      if (!isNotFound(error)) throw error;
      return await this.#lookWithoutEngine(signal);
    }
    if (!this.isUnderWay || this.#isStarting) return;
    if (view.pid !== 0 && view.pid !== this.pid) await this.#save({ pid: view.pid });
    if (view.exitStatus === undefined) return;
    if (view.pid === 0 && this.pid === 0) await this.#forgetStart();
    else await this.ended(view.exitStatus);
  }

  /** The engine says that it ended. */
  async died(exitStatus: number, timeNs: bigint | undefined): Promise<void> {
    // It may be one that never began; whoever starts it finds out.
    if (this.#isStarting) this.#hasDiedMeanwhile = true;
    else await this.ended(exitStatus, timeNs);
  }

  async ended(exitStatus: number, timeNs?: bigint): Promise<void> {
    if (this.exit !== undefined) return;
    const end = { exitStatus, exitedAtNs: timeNs ?? this.#deps.clock() };
    await this.#save({ end }).catch((err: unknown) => this.#deps.log.error({ err }, "saving an exit failed"));
    this.ending.settle({ pid: this.pid, ...end });
  }

  /** Init has ended, and everything else with it. */
  async endWithInit(): Promise<void> {
    if (!this.isUnderWay || this.dockerExecId === undefined || this.#isStarting) return;
    const view = await viewExec(this.#deps.engine, this.dockerExecId).catch(() => undefined);
    if (view?.exitStatus !== undefined && view.pid === 0 && this.pid === 0) await this.#forgetStart();
    else await this.ended(view?.exitStatus ?? KILLED);
  }

  async kill(signalNumber: number): Promise<void> {
    if (this.exit !== undefined) throw alreadyFinished();
    if (this.pid === 0) throw notCreated();
    const { engine, file } = this.#deps;
    await signalProcess(engine, file.saved.containerId, this.pid, signalNumber);
  }

  /** Nothing is left of it, here and in the file. @throws kind unknown while it runs. */
  async delete(): Promise<ProcessExit> {
    await this.look();
    const { streams, file } = this.#deps;
    const { dockerExecId } = this;
    if (this.isUnderWay || this.#isStarting) throw refusal("cannot delete a running process");
    const { pid, exitStatus, exitedAtNs } = this.state;
    if (dockerExecId !== undefined) {
      const stdio = await streamsOf(this.#deps.engine, this.#saved);
      await streams.finished(dockerExecId, stdio);
      await streams.release(dockerExecId, stdio);
    }
    await file.removeExec(this.id);
    this.ending.settle({ pid, exitStatus: KILLED, exitedAtNs: undefined });
    return { pid, exitStatus, exitedAtNs };
  }

  async closeStdin(): Promise<void> {
    if (this.dockerExecId !== undefined) await this.#deps.streams.closeStdin(this.dockerExecId, this.#saved);
  }

  async resize(width: number, height: number, signal: AbortSignal | undefined): Promise<void> {
    const { dockerExecId } = this;
    if (this.exit !== undefined) throw refusal("cannot resize a stopped container");
    if (dockerExecId === undefined || !this.#saved.terminal) return;
    await this.#deps.engine.call(
      `resize exec ${this.id}`,
      (docker, abortSignal) => docker.getExec(dockerExecId).resize({ w: width, h: height, abortSignal }),
      { signal },
    );
  }

  get #saved(): SavedExec {
    const saved = this.#deps.file.exec(this.id);
    if (saved === undefined) throw noSuchProcess(this.id);
    return saved;
  }

  async #save(change: Partial<SavedExec>): Promise<void> {
    await this.#deps.file.updateExec(this.id, { ...this.#saved, ...change });
  }

  /** Hands it to the engine and waits for its process. */
  async #begin(): Promise<ExecView> {
    const { engine, file, streams, namespace, taskId: id } = this.#deps;
    const stdio = await streamsOf(engine, this.#saved);
    const dockerExecId = await registerExec(engine, file.saved.containerId, this.#saved.create, stdio);
    // Before it starts: a daemon that comes back finds it.
    await this.#save({ dockerExecId });
    try {
      return await startExec(engine, streams, { namespace, id, dockerExecId, stdio });
    } catch (error) {
      await streams.release(dockerExecId, stdio).catch(() => undefined);
      await this.#forgetStart();
      throw error;
    }
  }

  /** It is as before its start. */
  async #forgetStart(): Promise<void> {
    const { dockerExecId: _, ...rest } = this.#saved;
    await this.#deps.file.updateExec(this.id, { ...rest, pid: 0 });
  }

  /** An engine that was restarted knows no execs of before; their processes may go on. */
  async #lookWithoutEngine(signal: AbortSignal | undefined): Promise<void> {
    const { engine, file, log } = this.#deps;
    const patience = AbortSignal.any([
      ...(signal === undefined ? [] : [signal]),
      AbortSignal.timeout(STATE_TIMEOUT_MS),
    ]);
    const pids = await containerPids(engine, file.saved.containerId, patience);
    if (this.pid !== 0 && pids.includes(this.pid)) return;
    log.warn({ execId: this.id, pid: this.pid }, "nobody knows how an exec ended");
    await this.ended(UNKNOWN_STATUS);
  }
}
