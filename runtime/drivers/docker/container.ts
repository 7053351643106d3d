// A task's container as it is known here: asked for, told of by the engine's events, and gone one day. Whatever is learned of an end
// goes into the file first, then to whoever waits; the first word counts.
import { isNotFound } from "../../../api/core/errors.js";
import type { ExitDetails } from "../../../api/core/exit-record.js";
import type { Logger } from "../../../api/core/log.js";
import type { ProcessExit } from "../../../api/core/task.js";
import type { Clock } from "../../../api/core/time.js";
import type { Engine } from "../../docker/engine.js";
import { Ending } from "../../engine-driver/ending.js";
import type { EngineBundle } from "../../engine-driver/folders.js";
import type { SavedEnd } from "../../engine-driver/task-file.js";
import type { ContainerEvent } from "./engine-watch.js";
import { DockerExec } from "./exec.js";
import { hasLoggedOutOfMemory } from "./kernel-log.js";
import type { Streams } from "./streams.js";
import type { SavedExec, TaskFile } from "./task-file.js";
import { type ContainerView, viewContainer } from "./views.js";

const UNKNOWN_STATUS = 255;
const SIGNAL_BASE = 128;
const SIGKILL = 9;

export interface ContainerDeps {
  readonly bundle: EngineBundle;
  readonly file: TaskFile;
  readonly engine: Engine;
  readonly streams: Streams;
  readonly clock: Clock;
  readonly log: Logger;
  /** Memory ran out in it. */
  readonly tellOom: () => Promise<void>;
  /** Somebody else has removed it; takes away what is left of the task, and tells. Must not reject. */
  readonly gone: (exit: ProcessExit, isExitKnown: boolean, reason: string) => Promise<void>;
}

export class TaskContainer {
  readonly deps: ContainerDeps;
  /** Of init. */
  readonly ending = new Ending();
  readonly #execs: Map<string, DockerExec>;
  readonly #knownSinceNs: bigint;
  #recording: Promise<void> | undefined;
  #details: ExitDetails = {};
  /** That the engine has told of, whoever sent it. */
  #lastSignal: number | undefined;
  #news: Promise<void> = Promise.resolve();
  #gone: Promise<void> | undefined;
  /** Set while we remove it ourselves, which nobody needs to be told. */
  isBeingRemoved = false;

  constructor(deps: ContainerDeps) {
    this.deps = deps;
    this.#knownSinceNs = deps.clock();
    this.#execs = new Map(Object.keys(deps.file.saved.execs).map((execId) => [execId, this.#newExec(execId)]));
    if (this.exit !== undefined) this.ending.settle(this.exit);
  }

  get containerId(): string {
    return this.deps.file.saved.containerId;
  }

  get pid(): number {
    return this.deps.file.saved.pid;
  }

  /** What is known of init's end beside its status. */
  get exitDetails(): ExitDetails {
    return this.#details;
  }

  /** Of init; undefined before it. */
  get exit(): ProcessExit | undefined {
    const { pid, end } = this.deps.file.saved;
    return end === undefined ? undefined : { pid, ...end };
  }

  get execs(): readonly DockerExec[] {
    return [...this.#execs.values()];
  }

  exec(execId: string): DockerExec | undefined {
    return this.#execs.get(execId);
  }

  async addExec(execId: string, saved: SavedExec): Promise<void> {
    await this.deps.file.updateExec(execId, saved);
    this.#execs.set(execId, this.#newExec(execId));
  }

  forgetExec(execId: string): void {
    this.#execs.delete(execId);
  }

  /** Asks the engine and learns. @throws not_found, then it is gone; unavailable; deadline_exceeded. */
  async look(signal?: AbortSignal, timeoutMs?: number): Promise<ContainerView> {
    let view: ContainerView;
    try {
      view = await viewContainer(this.deps.engine, this.containerId, signal, timeoutMs);
    } catch (error) {
      if (isNotFound(error)) await this.removed("its container was removed");
      throw error;
    }
    await this.learn(view);
    return view;
  }

  /** Compares everything that has not ended yet with the engine. @throws as `look`. */
  async lookAtAll(): Promise<void> {
    if (this.exit !== undefined) return;
    await this.look();
    for (const exec of this.execs) await exec.look();
  }

  /** News of the engine, one after another. */
  heard(event: ContainerEvent): void {
    this.#news = this.#news
      .then(() => this.#take(event))
      .catch((err: unknown) =>
        this.deps.log.warn({ err, action: event.action }, "learning from a docker event failed"),
      );
  }

  /** A task that was never started is over. */
  async endUnstarted(exitStatus: number): Promise<void> {
    await this.#ended({ exitStatus, exitedAtNs: this.deps.clock() }, {});
  }

  /** Somebody has removed the container. Tells once. */
  async removed(reason: string): Promise<void> {
    if (this.isBeingRemoved) return;
    this.#gone ??= this.#tellGone(reason);
    await this.#gone;
  }

  #newExec(execId: string): DockerExec {
    const { bundle, engine, file, streams, clock, log } = this.deps;
    const { namespace, id } = bundle;
    const hasInitEnded = (): boolean => this.exit !== undefined;
    return new DockerExec(execId, { namespace, taskId: id, engine, file, streams, clock, log, hasInitEnded });
  }

  /** Takes in what the engine has said. */
  async learn(view: ContainerView): Promise<void> {
    if (view.status === "ended") {
      const exitedAtNs = view.finishedAtNs ?? this.deps.clock();
      const { exitStatus, isOomKilled, error } = view;
      await this.#ended({ exitStatus, exitedAtNs }, { isOutOfMemory: isOomKilled, message: error });
    } else if (view.pid !== 0 && view.pid !== this.pid && this.exit === undefined) {
      await this.deps.file.update({ pid: view.pid });
    }
  }

  async #take({ action, attributes, timeNs, containerId }: ContainerEvent): Promise<void> {
    switch (action) {
      case "die": {
        if (this.exit !== undefined) return;
        const view = await viewContainer(this.deps.engine, containerId).catch((error: unknown) => {
          // Podman fails in other ways while somebody removes it; what the event tells is true all the same.
          if (isNotFound(error) || statusIn(attributes) !== undefined) return undefined;
          throw error;
        });
        if (view?.status === "ended") return await this.learn(view);
        const exitStatus = statusIn(attributes);
        const end = { exitStatus: exitStatus ?? UNKNOWN_STATUS, exitedAtNs: timeNs ?? this.deps.clock() };
        return await this.#ended(end, { isStatusKnown: exitStatus !== undefined });
      }
      case "kill":
        this.#lastSignal = Number(attributes["signal"]);
        return;
      case "exec_die": {
        const { execID: dockerExecId, exitCode } = attributes;
        // Podman does not say which.
        if (dockerExecId === undefined || exitCode === undefined) {
          for (const exec of this.execs) await exec.look();
          return;
        }
        const exec = this.execs.find((one) => one.dockerExecId === dockerExecId);
        return await exec?.died(statusIn(attributes) ?? UNKNOWN_STATUS, timeNs);
      }
      case "oom":
        // With the end, or by a former daemon.
        if (this.deps.file.saved.isOomTold && (this.exit !== undefined || (timeNs ?? 0n) < this.#knownSinceNs)) return;
        return await this.#tellOom();
      case "destroy":
        return await this.removed("its container was removed");
      default:
    }
  }

  async #ended(end: SavedEnd, details: ExitDetails): Promise<void> {
    if (this.exit !== undefined) return;
    this.#recording ??= this.#record(end, details).finally(() => {
      this.#recording = undefined;
    });
    await this.#recording;
  }

  /** Execs are told of first, as a shim does. */
  async #record(end: SavedEnd, details: ExitDetails): Promise<void> {
    const isSignalled = end.exitStatus === SIGNAL_BASE + (this.#lastSignal ?? 0);
    const wasKilled = end.exitStatus === SIGNAL_BASE + SIGKILL && !isSignalled;
    const isOutOfMemory =
      this.deps.file.saved.isOomTold ||
      details.isOutOfMemory === true ||
      (wasKilled && (await hasLoggedOutOfMemory(this.containerId)));
    this.#details = { ...details, isOutOfMemory, signal: isSignalled ? this.#lastSignal : undefined };
    await Promise.all(this.execs.map((exec) => exec.endWithInit()));
    if (isOutOfMemory && !this.deps.file.saved.isOomTold) await this.#tellOom();
    // Who waits is told, whatever the file says: its disk may be full.
    await this.deps.file.update({ end }).catch((err: unknown) => this.deps.log.error({ err }, "saving an exit failed"));
    this.ending.settle({ pid: this.pid, ...end });
  }

  async #tellOom(): Promise<void> {
    await this.deps.tellOom();
    await this.deps.file.update({ isOomTold: true });
  }

  async #tellGone(reason: string): Promise<void> {
    // The news of its end may still be under way to us.
    await this.#recording;
    const known = this.exit;
    const exit = known ?? { pid: this.pid, exitStatus: UNKNOWN_STATUS, exitedAtNs: this.deps.clock() };
    await this.deps.gone(exit, known !== undefined, reason);
    for (const exec of this.execs) {
      exec.ending.settle({ pid: exec.pid, exitStatus: UNKNOWN_STATUS, exitedAtNs: exit.exitedAtNs });
    }
    this.ending.settle(exit);
  }
}

function statusIn(attributes: Readonly<Record<string, string>>): number | undefined {
  const text = attributes["exitCode"] ?? attributes["containerExitCode"];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) & 0xff : undefined;
}
