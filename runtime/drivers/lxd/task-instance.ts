// A task's instance as it is known here: asked for, told of by LXD's events, and gone one day. Whatever is learned of an end goes into the
// file first, then to whoever waits; the first word counts.
import { isNotFound } from "../../../api/core/errors.js";
import type { ExitDetails } from "../../../api/core/exit-record.js";
import type { Logger } from "../../../api/core/log.js";
import type { ProcessExit } from "../../../api/core/task.js";
import type { Clock } from "../../../api/core/time.js";
import { Ending } from "../../engine-driver/ending.js";
import type { EngineBundle } from "../../engine-driver/folders.js";
import type { SavedEnd } from "../../engine-driver/task-file.js";
import type { ContainerStatus } from "../../engine-driver/words.js";
import { getInstanceState, type LxdInstance, type LxdInstanceState, listInstances } from "../../lxd/instances.js";
import type { LxdServer } from "../../lxd/server.js";
import { EndNews, endWordOf } from "./end-news.js";
import { howItEnded, statusOfWord } from "./how-it-ended.js";
import { uuidOf } from "./names.js";
import type { TaskFile } from "./task-file.js";

const UNKNOWN_STATUS = 255;
const DELETED = "instance-deleted";
/** Questions that a listing or a client waits for. */
export const STATE_TIMEOUT_MS = 1_500;
/** Questions that a deed depends on: an LXD that starts many instances at a time answers late. */
export const DEED_TIMEOUT_MS = 30_000;

export interface TaskInstanceDeps {
  readonly bundle: EngineBundle;
  readonly file: TaskFile;
  readonly server: LxdServer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether what happens now will be told. */
  readonly isListening: () => boolean;
  /** Before the end of init is told, as a shim does. Must not reject. */
  readonly endExecs: () => Promise<void>;
  /** Somebody else has removed it; takes away what is left of the task, and tells. Must not reject. */
  readonly gone: (exit: ProcessExit, isExitKnown: boolean, reason: string) => Promise<void>;
}

export class TaskInstance {
  readonly deps: TaskInstanceDeps;
  readonly ending = new Ending();
  readonly #news = new EndNews();
  #concluding: Promise<void> | undefined;
  #heard: Promise<void> = Promise.resolve();
  #gone: Promise<void> | undefined;
  /** Set while we start it: that it does not run yet says nothing then. */
  isStarting = false;
  /** Set while we remove it ourselves, which nobody needs to be told. */
  isBeingRemoved = false;
  #isForced = false;
  #details: ExitDetails = {};

  constructor(deps: TaskInstanceDeps) {
    this.deps = deps;
    if (this.exit !== undefined) this.ending.settle(this.exit);
  }

  /** At LXD. */
  get name(): string {
    return this.deps.file.saved.instance;
  }

  /** Whether it is this one, whatever it is called by now. */
  is(listed: Pick<LxdInstance, "name" | "config">): boolean {
    const { uuid } = this.deps.file.saved;
    return uuid === "" ? listed.name === this.name : uuidOf(listed) === uuid;
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

  /**
   * Asks LXD and learns. An end that is seen counts when it is known how it came: until then the instance is said to run.
   * @param isLate what happened before will not be told any more.
   * @throws not_found, then it is gone; unavailable; deadline_exceeded.
   */
  async look(signal?: AbortSignal, timeoutMs = DEED_TIMEOUT_MS, isLate = false): Promise<ContainerStatus> {
    const { server, file } = this.deps;
    if (this.exit !== undefined) return "ended";
    const ask = (): Promise<LxdInstanceState> => getInstanceState(server, this.name, { signal, timeoutMs });
    let state: LxdInstanceState;
    try {
      state = await ask().catch(async (error: unknown) => {
        if (!isNotFound(error) || !(await this.#wasRenamed())) throw error;
        return await ask();
      });
    } catch (error) {
      if (isNotFound(error)) await this.removed();
      throw error;
    }
    if (this.exit !== undefined) return "ended";
    if (state.pid === 0 && state.status === "Stopped") {
      if (!file.saved.isStarted || this.isStarting) return "created";
      this.#conclude(isLate);
      return "running";
    }
    await this.#runs(state.pid);
    return state.status === "Frozen" ? "paused" : "running";
  }

  /** News of LXD's, one after another. */
  heard(action: string): void {
    const word = endWordOf(action);
    if (word !== undefined) this.#news.tell(word);
    this.#heard = this.#heard
      .then(() => this.#take(action))
      .catch((err: unknown) => {
        if (!isNotFound(err)) this.deps.log.warn({ err, action }, "learning from an lxd event failed");
      });
  }

  /** Ends it by `stop`, which is by force, and resolves when the end is known. @throws what `stop` throws. */
  async force(stop: () => Promise<void>): Promise<void> {
    // Before, as the end may be seen before the answer.
    this.#isForced = true;
    try {
      await stop();
    } catch (error) {
      this.#isForced = false;
      throw error;
    }
    await this.concluded();
  }

  /** An end that was asked for and has come: resolves when it is known. */
  async concluded(): Promise<void> {
    await this.look();
    await this.#concluding;
  }

  /** A task that was never started is over. */
  async endUnstarted(exitStatus: number): Promise<void> {
    await this.#ended({ exitStatus, exitedAtNs: this.deps.clock() });
  }

  /** Somebody has given it another name. */
  async renamed(instance: string): Promise<void> {
    await this.deps.file.update({ instance });
  }

  /** Somebody has removed the instance. Tells once. */
  async removed(): Promise<void> {
    if (this.isBeingRemoved) return;
    this.#gone ??= this.#tellGone();
    await this.#gone;
  }

  /** Its event may be on the way. @returns whether it is there under another name, which is known then. */
  async #wasRenamed(): Promise<boolean> {
    const listed = (await listInstances(this.deps.server)).find((instance) => this.is(instance));
    if (listed === undefined || listed.name === this.name) return false;
    await this.renamed(listed.name);
    return true;
  }

  async #take(action: string): Promise<void> {
    // One that has ended is not asked after any more.
    if (action === DELETED) return await this.removed();
    await this.look();
    // It runs: what was told is of an earlier run.
    if (this.exit === undefined && this.#concluding === undefined) this.#news.clear();
  }

  async #runs(pid: number): Promise<void> {
    if (pid === 0) return;
    const { isStarted } = this.deps.file.saved;
    // It may have been started by somebody else, or anew from inside.
    if (pid !== this.pid || !isStarted) await this.deps.file.update({ pid, isStarted: true });
  }

  #conclude(isLate: boolean): void {
    this.#concluding ??= this.#establish(isLate)
      .catch((err: unknown) => this.deps.log.warn({ err }, "learning how an instance ended failed"))
      .finally(() => {
        this.#concluding = undefined;
      });
  }

  async #establish(isLate: boolean): Promise<void> {
    const { server, file, isListening } = this.deps;
    const hasNews = !isLate && isListening();
    const { isAdopted, pid } = file.saved;
    const run = { server, instance: this.name, isAdopted, pid, news: this.#news, hasNews, isForced: this.#isForced };
    const end = await howItEnded(run);
    // Its event has it looked at again.
    if (end === "restarted") return;
    if (end.pid !== 0 && this.pid === 0) await file.update({ pid: end.pid });
    this.#details = { signal: end.signal, isStatusKnown: end.exitStatus !== undefined };
    await this.#ended({ exitStatus: end.exitStatus ?? UNKNOWN_STATUS, exitedAtNs: this.deps.clock() });
  }

  async #ended(end: SavedEnd): Promise<void> {
    if (this.exit !== undefined) return;
    const { file, log, endExecs } = this.deps;
    await endExecs();
    // Who waits is told, whatever the file says: its disk may be full.
    await file.update({ end }).catch((err: unknown) => log.error({ err }, "saving an exit failed"));
    this.ending.settle({ pid: this.pid, ...end });
  }

  async #tellGone(): Promise<void> {
    // The news of its end may still be under way to us.
    await this.#concluding;
    if (this.exit === undefined) await this.deps.endExecs();
    const told = statusOfWord(this.#isForced ? "stopped" : this.#news.word);
    const isKnown = this.exit !== undefined || told !== undefined;
    const exit = this.exit ?? { pid: this.pid, exitStatus: told ?? UNKNOWN_STATUS, exitedAtNs: this.deps.clock() };
    await this.deps.gone(exit, isKnown, "its instance was removed");
    this.ending.settle(exit);
  }
}
