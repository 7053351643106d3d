// One task: what a client may ask of it, which state allows what, and how that is done at the engine.
// @source containerd runtime/v2/runc (init_state.go, exec_state.go: states and texts)
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { alreadyExists, isFailedPrecondition, notImplemented } from "../../../api/core/errors.js";
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
import type { TaskContainer } from "./container.js";
import {
  containerMetrics,
  type Place,
  pauseContainer,
  resizeContainer,
  resumeContainer,
  type Size,
  signalContainer,
  updateContainer,
} from "./deeds.js";
import { deleteContainer } from "./delete-container.js";
import type { DockerExec } from "./exec.js";
import { translateExec } from "./exec-spec.js";
import { containerPids, processInfos, signalProcesses } from "./host-processes.js";
import { startContainer } from "./start-container.js";
import { attachInit } from "./streams.js";
import { DEED_TIMEOUT_MS, STATE_TIMEOUT_MS } from "./views.js";

const INIT = "";

export interface DockerTaskParts {
  readonly container: TaskContainer;
  /** The container is gone by our own doing: takes away all else. */
  readonly forget: () => Promise<void>;
}

export class DockerTask implements DriverTask {
  readonly reportsEvents = false;
  readonly container: TaskContainer;
  readonly #parts: DockerTaskParts;
  /** Keyed by process: what changes its state is done one after another. */
  readonly #mutex = new KeyedMutex();
  /** Of the terminal, asked for before there was one. */
  #wantedSize: Size | undefined;

  constructor(parts: DockerTaskParts) {
    this.#parts = parts;
    this.container = parts.container;
  }

  get namespace(): string {
    return this.container.deps.bundle.namespace;
  }

  get id(): string {
    return this.container.deps.bundle.id;
  }

  get pid(): number {
    return this.container.pid;
  }

  get bundle(): string {
    return this.container.deps.bundle.path;
  }

  async startedExecs(): Promise<readonly string[]> {
    return this.container.execs.filter(({ pid }) => pid !== 0).map(({ id }) => id);
  }

  async state(execId: string, signal?: AbortSignal): Promise<ProcessState> {
    const exec = this.#exec(execId);
    // For all questions together.
    const patience = AbortSignal.timeout(STATE_TIMEOUT_MS);
    const signals = signal === undefined ? patience : AbortSignal.any([signal, patience]);
    const status = await this.#status(signals, STATE_TIMEOUT_MS);
    if (exec !== undefined) {
      await exec.look(signals);
      const { state } = exec;
      return state.status === "running" && status === "paused" ? { ...state, status } : state;
    }
    const { stdin, stdout, stderr, terminal, pid } = this.container.deps.file.saved;
    const end = this.container.exit ?? { exitStatus: 0, exitedAtNs: undefined };
    const { id } = this;
    return { containerId: id, execId, status: wordOf(status), ...end, pid, stdin, stdout, stderr, terminal };
  }

  async start(execId: string, signal?: AbortSignal): Promise<{ readonly pid: number }> {
    // Once begun it goes on, whoever stops waiting for it.
    return await unlessAborted(
      this.#mutex.run(execId, async () => {
        const exec = this.#exec(execId);
        if (exec !== undefined) return await exec.start();
        const status = await this.#status();
        if (status !== "created") throw refusal(`cannot start a ${wordOf(status)} process`);
        const { engine, containerId } = this.#place;
        try {
          await startContainer(engine, containerId, (view) => this.container.learn(view));
        } catch (error) {
          throw startFailure("failed to start container", error);
        }
        const size = this.#wantedSize;
        // A container that has ended meanwhile needs none.
        if (size !== undefined) await resizeContainer(this.#place, size).catch(() => undefined);
        return { pid: this.pid };
      }),
      signal,
    );
  }

  async delete(execId: string): Promise<ProcessExit> {
    return await this.#mutex.run(execId, async () => {
      const exec = this.#exec(execId);
      if (exec === undefined) return await deleteContainer(this.container, () => this.#status(), this.#parts.forget);
      const exit = await exec.delete();
      this.container.forgetExec(execId);
      return exit;
    });
  }

  async kill(execId: string, signalNumber: number, all: boolean, signal?: AbortSignal): Promise<void> {
    const exec = this.#exec(execId);
    requireSignal(signalNumber);
    if (exec !== undefined) return await exec.kill(signalNumber);
    let status = await this.#status(signal);
    if (status === "created") {
      // Nobody is there whom a signal could reach.
      if (!endsUnstarted(signalNumber)) return;
      status = await this.#endUnstarted(statusOfSignal(signalNumber));
      if (status === "created") return;
    }
    if (status === "ended") throw alreadyFinished();
    // Docker's own kill reaches init alone.
    if (all && signalNumber !== SIGKILL) await signalProcesses(this.#place, await this.#pids(signal), signalNumber);
    else if (signalNumber !== 0) await this.#signalInit(signalNumber, signal);
  }

  async exec(execId: string, options: ExecOptions, signal?: AbortSignal): Promise<void> {
    if (this.container.exec(execId) !== undefined) throw alreadyExists(`id ${execId}`);
    const status = await this.#status(signal);
    if (status === "paused" || status === "ended") throw refusal(`cannot exec in a ${wordOf(status)} state`);
    const container = await readFile(join(this.bundle, "config.json"));
    const { stdin, stdout, stderr, terminal, spec } = options;
    const stdio = { stdin, stdout, stderr, terminal };
    const { isLenient } = this.container.deps.file.saved;
    const create = translateExec({ process: spec.value, container, stdio, isLenient });
    await this.#mutex.run(execId, async () => {
      if (this.container.exec(execId) !== undefined) throw alreadyExists(`id ${execId}`);
      await this.container.addExec(execId, { ...stdio, create, pid: 0 });
    });
  }

  async resizePty(execId: string, width: number, height: number, signal?: AbortSignal): Promise<void> {
    const exec = this.#exec(execId);
    if (exec !== undefined) return await exec.resize(width, height, signal);
    if (!this.container.deps.file.saved.terminal || this.container.exit !== undefined) return;
    // Docker has no terminal before it starts.
    if (this.pid === 0) this.#wantedSize = { width, height };
    else await resizeContainer(this.#place, { width, height }, signal);
  }

  async closeIO(execId: string, stdin: boolean): Promise<void> {
    const exec = this.#exec(execId);
    if (!stdin) return;
    const { containerId, deps } = this.container;
    if (exec === undefined) await deps.streams.closeStdin(containerId, deps.file.saved);
    else await exec.closeStdin();
  }

  async pause(signal?: AbortSignal): Promise<void> {
    const status = await this.#status(signal);
    if (status === "created") throw refusal("cannot pause task in created state");
    if (status !== "running") throw refusal(`cannot pause a ${wordOf(status)} container`);
    await pauseContainer(this.#place, signal);
  }

  async resume(signal?: AbortSignal): Promise<void> {
    const status = await this.#status(signal);
    if (status === "created") throw refusal("cannot resume task in created state");
    if (status === "running") throw refusal("cannot resume a running process");
    if (status === "ended") throw refusal("cannot resume a stopped container");
    await resumeContainer(this.#place, signal);
  }

  async pids(signal?: AbortSignal): Promise<ProcessInfo[]> {
    return processInfos(await this.#pids(signal), this.container.execs);
  }

  async stats(signal?: AbortSignal): Promise<Any | undefined> {
    return await containerMetrics(this.#place, signal);
  }

  async update(resources: Any, _annotations: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void> {
    if ((await this.#status(signal)) === "ended") throw refusal("cannot update a stopped container");
    await updateContainer(this.#place, resources.value, signal);
  }

  async checkpoint(): Promise<void> {
    throw notImplemented("checkpoint of a docker container");
  }

  exitDetails(execId: string): ExitDetails | undefined {
    return execId === INIT ? this.container.exitDetails : undefined;
  }

  async wait(execId: string, signal?: AbortSignal): Promise<ProcessExit> {
    const exec = this.#exec(execId);
    return await (exec ?? this.container).ending.wait(signal);
  }

  /** Its streams, which an engine or a bridge that was restarted has lost; those that are there stay as they are. */
  async attachAgain(): Promise<void> {
    const { containerId, deps, exit } = this.container;
    const { namespace, id } = this;
    if (exit !== undefined) return;
    await attachInit(deps.streams, { namespace, id, containerId, saved: deps.file.saved, again: true });
  }

  /** The task goes on. */
  async [Symbol.asyncDispose](): Promise<void> {}

  get #place(): Place {
    return { engine: this.container.deps.engine, containerId: this.container.containerId };
  }

  /** undefined for init. @throws not_found for what nobody added. */
  #exec(execId: string): DockerExec | undefined {
    if (execId === INIT) return undefined;
    const exec = this.container.exec(execId);
    if (exec === undefined) throw noSuchProcess(execId);
    return exec;
  }

  async #status(signal?: AbortSignal, timeoutMs: number = DEED_TIMEOUT_MS): Promise<ContainerStatus> {
    const { container } = this;
    const status = container.exit === undefined ? (await container.look(signal, timeoutMs)).status : "ended";
    // One that was killed before its start has not ended for the engine.
    return container.exit === undefined ? status : "ended";
  }

  /** @returns the status that it had, which may have become another while it was being started. */
  async #endUnstarted(exitStatus: number): Promise<ContainerStatus> {
    return await this.#mutex.run(INIT, async () => {
      const status = await this.#status();
      if (status === "created") await this.container.endUnstarted(exitStatus);
      return status;
    });
  }

  async #signalInit(signalNumber: number, signal: AbortSignal | undefined): Promise<void> {
    try {
      await signalContainer(this.#place, signalNumber, signal);
    } catch (error) {
      if (isFailedPrecondition(error) && (await this.#status(signal)) === "ended") throw alreadyFinished();
      throw error;
    }
  }

  async #pids(signal: AbortSignal | undefined): Promise<number[]> {
    const status = await this.#status(signal);
    if (status === "created" || status === "ended") return [];
    try {
      return await containerPids(this.container.deps.engine, this.container.containerId, signal);
    } catch (error) {
      // It ended between the two questions.
      if (isFailedPrecondition(error) && (await this.#status(signal)) === "ended") return [];
      throw error;
    }
  }
}
