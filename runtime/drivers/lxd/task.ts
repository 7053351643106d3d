// One task: what a client may ask of it, which state allows what, and how that is done at LXD.
// @source containerd runtime/v2/runc (init_state.go, exec_state.go: states and texts)
import {
  alreadyExists,
  isFailedPrecondition,
  isNotFound,
  notImplemented,
  wrapError,
} from "../../../api/core/errors.js";
import type { ExitDetails } from "../../../api/core/exit-record.js";
import type { ExecOptions, ProcessExit, ProcessInfo, ProcessState } from "../../../api/core/task.js";
import type { Any } from "../../../api/core/typeurl.js";
import type { DriverTask } from "../../driver.js";
import { unlessAborted } from "../../engine-driver/ending.js";
import { endsUnstarted, requireSignal, SIGKILL, statusOfSignal } from "../../engine-driver/signal-numbers.js";
import {
  alreadyFinished,
  type ContainerStatus,
  noSuchProcess,
  refusal,
  startFailure,
  wordOf,
} from "../../engine-driver/words.js";
import { KeyedMutex } from "../../keyed-mutex.js";
import { changeState, getInstanceState } from "../../lxd/instances.js";

import { LxdExec } from "./exec.js";
import { translateExec } from "./exec-spec.js";
import { payloadGroup, processesIn, processInfos } from "./host-processes.js";
import { removeInstance } from "./make-instance.js";
import { metricsOf } from "./metrics.js";
import { signalInstance } from "./signal-instance.js";
import { startInstance } from "./start-instance.js";
import type { Streams } from "./streams.js";
import { STATE_TIMEOUT_MS, TaskInstance, type TaskInstanceDeps } from "./task-instance.js";
import { updateLimits } from "./update-limits.js";

const INIT = "";

export interface LxdTaskParts extends Omit<TaskInstanceDeps, "endExecs"> {
  readonly streams: Streams;
  /** The driver lets go. */
  readonly disposed: AbortSignal;
  /** The task is deleted: takes away all that is left here. */
  readonly forget: () => Promise<void>;
}

export class LxdTask implements DriverTask {
  readonly reportsEvents = false;
  readonly instance: TaskInstance;
  readonly #parts: LxdTaskParts;
  readonly #execs: Map<string, LxdExec>;
  /** Keyed by process: what changes its state is done one after another. Execs start one after another, to be told apart. */
  readonly #mutex = new KeyedMutex();

  constructor(parts: LxdTaskParts) {
    this.#parts = parts;
    this.#execs = new Map(Object.keys(parts.file.saved.execs).map((execId) => [execId, this.#newExec(execId)]));
    const endExecs = async (): Promise<void> => {
      await Promise.all([...this.#execs.values()].map((exec) => exec.endWithInit()));
    };
    this.instance = new TaskInstance({ ...parts, endExecs });
    for (const exec of this.#execs.values()) exec.resume();
  }

  get namespace(): string {
    return this.#parts.bundle.namespace;
  }

  get id(): string {
    return this.#parts.bundle.id;
  }

  get pid(): number {
    return this.instance.pid;
  }

  get bundle(): string {
    return this.#parts.bundle.path;
  }

  async startedExecs(): Promise<readonly string[]> {
    return [...this.#execs.values()].filter(({ isStarted }) => isStarted).map(({ id }) => id);
  }

  async state(execId: string, signal?: AbortSignal): Promise<ProcessState> {
    const exec = this.#exec(execId);
    const status = await this.instance.look(signal, STATE_TIMEOUT_MS);
    if (exec !== undefined) {
      const { state } = exec;
      return state.status === "running" && status === "paused" ? { ...state, status } : state;
    }
    const { stdin, stdout, stderr, terminal, pid } = this.#parts.file.saved;
    const end = this.instance.exit ?? { exitStatus: 0, exitedAtNs: undefined };
    const { id } = this;
    return { containerId: id, execId, status: wordOf(status), ...end, pid, stdin, stdout, stderr, terminal };
  }

  async start(execId: string, signal?: AbortSignal): Promise<{ readonly pid: number }> {
    const exec = this.#exec(execId);
    // Once begun it goes on, whoever stops waiting for it.
    return await unlessAborted(
      exec === undefined
        ? this.#mutex.run(INIT, () => this.#startInit())
        : this.#mutex.run("start of an exec", () => this.#mutex.run(execId, () => exec.start())),
      signal,
    );
  }

  async delete(execId: string): Promise<ProcessExit> {
    return await this.#mutex.run(execId, async () => {
      const exec = this.#exec(execId);
      if (exec === undefined) return await this.#deleteAll();
      const exit = await exec.delete();
      this.#execs.delete(execId);
      return exit;
    });
  }

  async kill(execId: string, signalNumber: number, all: boolean, signal?: AbortSignal): Promise<void> {
    const exec = this.#exec(execId);
    requireSignal(signalNumber);
    if (exec !== undefined) return await exec.kill(signalNumber);
    let status = await this.instance.look(signal);
    if (status === "created") {
      // Nobody is there whom a signal could reach.
      if (!endsUnstarted(signalNumber)) return;
      status = await this.#endUnstarted(statusOfSignal(signalNumber));
      if (status === "created") return;
    }
    if (status === "ended") throw alreadyFinished();
    if (signalNumber === 0) return;
    if (signalNumber === SIGKILL) await unlessAborted(this.#force(), signal);
    else await signalInstance(this.#parts, { signalNumber, all });
  }

  async exec(execId: string, options: ExecOptions, signal?: AbortSignal): Promise<void> {
    if (this.#execs.has(execId)) throw alreadyExists(`id ${execId}`);
    const status = await this.instance.look(signal);
    if (status === "paused" || status === "ended") throw refusal(`cannot exec in a ${wordOf(status)} state`);
    const { stdin, stdout, stderr, terminal, spec } = options;
    const saved = { stdin, stdout, stderr, terminal, ...translateExec(spec.value), isStarted: false, pid: 0 };
    await this.#mutex.run(execId, async () => {
      if (this.#execs.has(execId)) throw alreadyExists(`id ${execId}`);
      await this.#parts.file.updateExec(execId, saved);
      this.#execs.set(execId, this.#newExec(execId));
    });
  }

  async resizePty(execId: string, width: number, height: number): Promise<void> {
    const exec = this.#exec(execId);
    if (exec !== undefined) return await exec.resize(width, height);
    const { file, streams } = this.#parts;
    if (!file.saved.terminal || this.instance.exit !== undefined) return;
    await streams.resizeConsole(this, file.saved, width, height);
  }

  async closeIO(execId: string, stdin: boolean): Promise<void> {
    const exec = this.#exec(execId);
    if (!stdin) return;
    if (exec === undefined) await this.#parts.streams.closeConsoleInput(this, this.#parts.file.saved);
    else await exec.closeStdin();
  }

  async pause(signal?: AbortSignal): Promise<void> {
    const status = await this.instance.look(signal);
    if (status === "created") throw refusal("cannot pause task in created state");
    if (status !== "running") throw refusal(`cannot pause a ${wordOf(status)} container`);
    await changeState(this.#parts.server, this.instance.name, "freeze", { signal });
  }

  async resume(signal?: AbortSignal): Promise<void> {
    const status = await this.instance.look(signal);
    if (status === "created") throw refusal("cannot resume task in created state");
    if (status === "running") throw refusal("cannot resume a running process");
    if (status === "ended") throw refusal("cannot resume a stopped container");
    await changeState(this.#parts.server, this.instance.name, "unfreeze", { signal });
  }

  async pids(signal?: AbortSignal): Promise<ProcessInfo[]> {
    const status = await this.instance.look(signal);
    const group = status === "running" || status === "paused" ? await this.#group() : undefined;
    if (group === undefined) return [];
    return processInfos(await processesIn(group), [...this.#execs.values()]);
  }

  async stats(signal?: AbortSignal): Promise<Any | undefined> {
    const options = { signal, timeoutMs: STATE_TIMEOUT_MS };
    return metricsOf(await getInstanceState(this.#parts.server, this.instance.name, options));
  }

  async update(resources: Any, _annotations: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void> {
    if ((await this.instance.look(signal)) === "ended") throw refusal("cannot update a stopped container");
    await updateLimits(this.#parts.server, this.instance.name, resources.value, signal);
  }

  async checkpoint(): Promise<void> {
    throw notImplemented("checkpoint of an LXD container");
  }

  exitDetails(execId: string): ExitDetails | undefined {
    return execId === "" ? this.instance.exitDetails : undefined;
  }

  async wait(execId: string, signal?: AbortSignal): Promise<ProcessExit> {
    return await (this.#exec(execId) ?? this.instance).ending.wait(signal);
  }

  /** Its console, which a bridge that was lost does not have any more; one that is there stays as it is. */
  async attachAgain(): Promise<void> {
    if (this.instance.exit === undefined) await this.#parts.streams.attachConsole(this, this.#parts.file.saved, true);
  }

  /** The task goes on. */
  async [Symbol.asyncDispose](): Promise<void> {}

  #newExec(execId: string): LxdExec {
    const { file, streams, clock, log, disposed } = this.#parts;
    const group = (): Promise<string | undefined> => this.#group();
    return new LxdExec(execId, { task: this.#parts.bundle, file, streams, clock, log, group, disposed });
  }

  /** undefined for init. @throws not_found for what nobody added. */
  #exec(execId: string): LxdExec | undefined {
    if (execId === INIT) return undefined;
    const exec = this.#execs.get(execId);
    if (exec === undefined) throw noSuchProcess(execId);
    return exec;
  }

  async #group(): Promise<string | undefined> {
    return await payloadGroup(this.instance.name, this.pid);
  }

  async #startInit(): Promise<{ readonly pid: number }> {
    const status = await this.instance.look();
    if (status !== "created") throw refusal(`cannot start a ${wordOf(status)} process`);
    try {
      await startInstance(this.instance);
    } catch (error) {
      throw startFailure("failed to start container", error);
    }
    return { pid: this.pid };
  }

  /** @returns the status that it had, which may have become another while it was being started. */
  async #endUnstarted(exitStatus: number): Promise<ContainerStatus> {
    return await this.#mutex.run(INIT, async () => {
      const status = await this.instance.look();
      if (status === "created") await this.instance.endUnstarted(exitStatus);
      return status;
    });
  }

  async #force(): Promise<void> {
    const { server } = this.#parts;
    try {
      await this.instance.force(() => changeState(server, this.instance.name, "stop", { isForced: true }));
    } catch (error) {
      // It has just ended by itself.
      if (isFailedPrecondition(error) && (await this.instance.look()) === "ended") throw alreadyFinished();
      throw error;
    }
  }

  async #deleteAll(): Promise<ProcessExit> {
    const { instance } = this;
    const { file, server, streams, forget } = this.#parts;
    try {
      const status = await instance.look().catch((error: unknown) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });
      // Somebody has removed it, which has been told by now, and nothing is left.
      if (status === undefined) return await instance.ending.wait(undefined);
      if (status === "running" || status === "paused") throw refusal(`cannot delete a ${wordOf(status)} process`);
      if (instance.exit !== undefined) await streams.consoleFinished(this, file.saved);
      instance.isBeingRemoved = true;
      if (!file.saved.isAdopted) {
        await removeInstance(server, instance.name).catch((error: unknown) => {
          instance.isBeingRemoved = false;
          throw error;
        });
      }
      const exit = instance.exit ?? { pid: this.pid, exitStatus: 0, exitedAtNs: undefined };
      instance.ending.settle({ pid: this.pid, exitStatus: statusOfSignal(SIGKILL), exitedAtNs: undefined });
      await forget();
      return exit;
    } catch (error) {
      throw wrapError("failed to delete task", error);
    }
  }
}
