// One task in a shim: the calls with their deadlines, and the end of a task, which comes in two ways: by Delete, after which
// nothing of it is left, or because the shim went away, after which we clean up in its place.
// @source containerd runtime/v2/shim.go
import {
  ContainerdError,
  errorKind,
  failedPrecondition,
  isNotFound,
  unknownError,
  wrapError,
} from "../../../api/core/errors.js";
import type { ExitDetails } from "../../../api/core/exit-record.js";
import type { Logger } from "../../../api/core/log.js";
import type { ExecOptions, ProcessExit, ProcessInfo, ProcessState } from "../../../api/core/task.js";
import { fromTimestamp } from "../../../api/core/time.js";
import type { Any } from "../../../api/core/typeurl.js";
import type { Bundle } from "../../bundle.js";
import type { DriverTask } from "../../driver.js";
import { type CallOptions, isTtrpcClosed, type UnaryMethod } from "../../ttrpc/client.js";
import type { Activity } from "./activity.js";
import type { TaskConnection } from "./connection.js";
import { toProcessState } from "./convert.js";
import { answerFifo, fifoOfLostStart, hasLostStart } from "./lost-start.js";
import type { MemoryGroup } from "./memory-group.js";
import { execsWithPidFile } from "./pid-files.js";

/** Questions that a listing or a client waits for; containerd's io.containerd.timeout.task.state. */
const STATE_TIMEOUT_MS = 2_000;
/** What a runtime does in a moment. A shim that takes longer hangs. */
const QUICK_TIMEOUT_MS = 60_000;
/** What may run hooks, wait for stdio, or write memory to disk. */
export const LONG_TIMEOUT_MS = 600_000;
const SHUTDOWN_TIMEOUT_MS = 3_000;
/** How long an exec that is not over keeps {@link ShimTask.start} waiting when nothing is known of it. */
const PROBE_TIMEOUT_MS = 200;

export interface ShimTaskParts {
  readonly bundle: Bundle;
  readonly pid: number;
  readonly connection: TaskConnection;
  readonly shimLog: Disposable;
  readonly log: Logger;
  /** Whether a former daemon made it, which may have begun to start it too. */
  readonly wasLoaded: boolean;
  readonly activity: Activity;
  /** Of the task's own; undefined where that cannot be told. */
  readonly memory: MemoryGroup | undefined;
  /** Whether its shim's socket is made of its name: the next task of that name gets the same one. */
  readonly hasSocketOfItsName: boolean;
  /** Whether its shim ends with it, unless others share it; one that serves a namespace is looked after elsewhere. */
  readonly endsShim: boolean;
  /** Whether another task talks to the same shim, which then outlives this one. */
  readonly isShared: () => boolean;
  /** Takes away what a finished task leaves in the file system; some of it when its shim has ended, if that is still to come. */
  readonly forget: (shimEnded: Promise<void> | undefined) => Promise<void>;
  /** Cleans up behind a shim that went away, tells about it, and answers how the task ended. Never rejects. */
  readonly cleanUp: (reason: string) => Promise<ProcessExit>;
}

export class ShimTask implements DriverTask {
  readonly namespace: string;
  readonly id: string;
  readonly pid: number;
  readonly bundle: string;
  readonly reportsEvents = true;
  readonly #parts: ShimTaskParts;
  readonly #connection: TaskConnection;
  /** Set when the end of the connection is our own doing and means nothing. */
  #isReleased = false;
  #cleanedUp: Promise<ProcessExit> | undefined;
  #killsSeen = 0n;
  /** Execs that were added here and not started yet: starting them is safe. */
  readonly #fresh = new Set<string>();

  constructor(parts: ShimTaskParts) {
    this.namespace = parts.bundle.namespace;
    this.id = parts.bundle.id;
    this.pid = parts.pid;
    this.bundle = parts.bundle.path;
    this.#parts = parts;
    this.#connection = parts.connection;
    void this.#connection.closed.then(() => this.#lost("shim disconnected"));
  }

  /** Where its shim listens: tasks with the same address share a process. */
  get shimAddress(): string {
    return this.#connection.address.address;
  }

  /** Whether nobody is there any more. */
  get isGone(): boolean {
    return this.#connection.isClosed;
  }

  async startedExecs(): Promise<string[]> {
    return await execsWithPidFile(this.bundle);
  }

  async state(execId: string, signal?: AbortSignal): Promise<ProcessState> {
    try {
      const request = { id: this.id, execId };
      const reply = await this.#call(this.#methods.state, request, { signal, timeoutMs: STATE_TIMEOUT_MS });
      const state = toProcessState(this.id, execId, reply);
      const { wasLoaded, bundle } = this.#parts;
      const isDoubtful = wasLoaded && execId === "" && state.status === "created";
      return isDoubtful && (await hasLostStart(bundle, state.pid)) ? { ...state, status: "running" } : state;
    } catch (error) {
      if (isTtrpcClosed(error)) throw new ContainerdError("not_found", "not found", { cause: error });
      throw error;
    }
  }

  async start(execId: string, signal?: AbortSignal): Promise<{ readonly pid: number }> {
    const request = { id: this.id, execId };
    if (execId !== "" && !this.#fresh.delete(execId)) await this.#requireStartable(execId, signal);
    const options = { signal, timeoutMs: LONG_TIMEOUT_MS };
    const lost =
      execId === "" && this.#parts.wasLoaded ? await fifoOfLostStart(this.#parts.bundle, this.pid) : undefined;
    const over = new AbortController();
    const answering = lost === undefined ? undefined : answerFifo(lost, over.signal);
    const { pid } = await this.#call(this.#methods.start, request, options).finally(() => over.abort());
    await answering;
    // A shim may have lost the pid of a process that exited at once; its state still has it.
    return pid === 0 ? await this.state(execId, signal) : { pid };
  }

  async delete(execId: string): Promise<ProcessExit> {
    if (execId !== "") return await this.#deleteProcess(execId);
    let exit: ProcessExit;
    try {
      exit = await this.#deleteProcess("");
    } catch (error) {
      // The shim is gone, or has no such container: what is left of the task goes the way of a dead shim's.
      if (isTtrpcClosed(error)) {
        await this.#lost("shim disconnected");
        throw unknownError("failed to delete task: ttrpc: closed", error);
      }
      if (isNotFound(error)) {
        await this.#askToExit();
        await this.#lost("unknown to its shim");
      }
      throw wrapError("failed to delete task", error);
    }
    this.#isReleased = true;
    // The request to exit has left when this returns.
    const shimEnded = (this.#parts.endsShim ? this.#shutDown() : Promise.resolve()).then(() =>
      this[Symbol.asyncDispose](),
    );
    if (this.#parts.hasSocketOfItsName) await shimEnded;
    await this.#parts.forget(this.#parts.hasSocketOfItsName ? undefined : shimEnded);
    this.#parts.activity.rest();
    return exit;
  }

  async kill(execId: string, signalNumber: number, all: boolean, signal?: AbortSignal): Promise<void> {
    await this.#quick(this.#methods.kill, { id: this.id, execId, signal: signalNumber, all }, signal);
  }

  async exec(execId: string, options: ExecOptions, signal?: AbortSignal): Promise<void> {
    const { terminal, stdin, stdout, stderr, spec } = options;
    await this.#quick(this.#methods.exec, { id: this.id, execId, terminal, stdin, stdout, stderr, spec }, signal);
    this.#fresh.add(execId);
  }

  async resizePty(execId: string, width: number, height: number, signal?: AbortSignal): Promise<void> {
    await this.#quick(this.#methods.resizePty, { id: this.id, execId, width, height }, signal);
  }

  async closeIO(execId: string, stdin: boolean, signal?: AbortSignal): Promise<void> {
    await this.#quick(this.#methods.closeIo, { id: this.id, execId, stdin }, signal);
  }

  async pause(signal?: AbortSignal): Promise<void> {
    await this.#quick(this.#methods.pause, { id: this.id }, signal);
  }

  async resume(signal?: AbortSignal): Promise<void> {
    await this.#quick(this.#methods.resume, { id: this.id }, signal);
  }

  async pids(signal?: AbortSignal): Promise<ProcessInfo[]> {
    const { processes } = await this.#quick(this.#methods.pids, { id: this.id }, signal);
    return processes.map(({ pid, info }) => ({ pid, info }));
  }

  async stats(signal?: AbortSignal): Promise<Any | undefined> {
    return (await this.#call(this.#methods.stats, { id: this.id }, { signal, timeoutMs: STATE_TIMEOUT_MS })).stats;
  }

  async update(resources: Any, annotations: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<void> {
    const request = { id: this.id, resources, annotations: new Map(Object.entries(annotations)) };
    await this.#quick(this.#methods.update, request, signal);
  }

  async checkpoint(path: string, options: Any | undefined, signal?: AbortSignal): Promise<void> {
    await this.#call(this.#methods.checkpoint, { id: this.id, path, options }, { signal, timeoutMs: LONG_TIMEOUT_MS });
  }

  async wait(execId: string, signal?: AbortSignal): Promise<ProcessExit> {
    try {
      // Not by #call: whoever waits keeps nobody busy.
      const request = { id: this.id, execId };
      const { exitStatus, exitedAt } = await this.#connection.call(this.#methods.wait, request, { signal });
      return { pid: execId === "" ? this.pid : 0, exitStatus, exitedAtNs: fromTimestamp(exitedAt) };
    } catch (error) {
      // Whoever waits for init learns how the task ended, even when its shim cannot tell any more.
      const exit = execId === "" && isTtrpcClosed(error) ? await this.#lost("shim disconnected") : undefined;
      if (exit === undefined) throw error;
      return exit;
    }
  }

  /** Whether memory ran out: in the life of the task, or since the last end of one of its processes. */
  exitDetails(execId: string): ExitDetails {
    const kills = this.#parts.memory?.kills ?? 0n;
    const seen = execId === "" ? 0n : this.#killsSeen;
    this.#killsSeen = kills;
    return { isOutOfMemory: kills > seen };
  }

  /** Lets go of the shim; the task goes on. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isReleased = true;
    await this.#connection[Symbol.asyncDispose]();
    this.#parts.shimLog[Symbol.dispose]();
    await this.#cleanedUp;
  }

  get #methods(): TaskConnection["methods"] {
    return this.#connection.methods;
  }

  async #call<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, options: CallOptions): Promise<Res> {
    using _busy = this.#parts.activity.begin();
    return await this.#connection.call(method, request, options);
  }

  #quick<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, signal: AbortSignal | undefined): Promise<Res> {
    return this.#call(method, request, { signal, timeoutMs: QUICK_TIMEOUT_MS });
  }

  /**
   * A shim of version 1.6 panics when an exec is started again whose first start failed, as one does that its daemon did not
   * live to see; its task would end with it. Waiting for such an exec ends at once, without a time.
   * @throws failed_precondition.
   */
  async #requireStartable(execId: string, signal: AbortSignal | undefined): Promise<void> {
    const request = { id: this.id, execId };
    let exitedAtNs: bigint | undefined;
    try {
      const { exitedAt } = await this.#call(this.#methods.wait, request, { signal, timeoutMs: PROBE_TIMEOUT_MS });
      exitedAtNs = fromTimestamp(exitedAt);
    } catch (error) {
      if (errorKind(error) === "deadline_exceeded") return;
      throw error;
    }
    if (exitedAtNs === undefined) throw failedPrecondition(`exec ${execId} failed to start and can only be deleted`);
  }

  async #deleteProcess(execId: string): Promise<ProcessExit> {
    const request = { id: this.id, execId };
    const reply = await this.#call(this.#methods.delete, request, { timeoutMs: QUICK_TIMEOUT_MS });
    return { pid: reply.pid, exitStatus: reply.exitStatus, exitedAtNs: fromTimestamp(reply.exitedAt) };
  }

  /** Asks the shim to exit, which it does unless it holds other containers, and waits: only then can another take its socket. */
  async #shutDown(): Promise<void> {
    await this.#askToExit();
    if (!this.#parts.isShared()) await this.#connection.endsWithin(SHUTDOWN_TIMEOUT_MS);
  }

  async #askToExit(): Promise<void> {
    try {
      // Not by #call: nobody waits for it, as a rule.
      const request = { id: this.id, now: false };
      await this.#connection.call(this.#methods.shutdown, request, { timeoutMs: SHUTDOWN_TIMEOUT_MS });
    } catch (err) {
      if (!isTtrpcClosed(err)) this.#parts.log.warn({ err }, "shim did not shut down");
    }
  }

  /**
   * The end without Delete: cleans up once, however many notice. After we let go by ourselves a closed connection means
   * nothing, and undefined is the answer.
   */
  #lost(reason: string): Promise<ProcessExit> | undefined {
    if (this.#cleanedUp === undefined && !this.#isReleased) {
      this.#isReleased = true;
      this.#cleanedUp = this.#cleanUp(reason);
    }
    return this.#cleanedUp;
  }

  async #cleanUp(reason: string): Promise<ProcessExit> {
    const exit = await this.#parts.cleanUp(reason);
    await this.#connection[Symbol.asyncDispose]();
    this.#parts.shimLog[Symbol.dispose]();
    return exit;
  }
}
