// The task manager: what may be asked of tasks, and what is remembered of the answers. How tasks come and go is in
// task-lifecycle.ts; how one is made and spoken to is its driver's business.
// @source containerd services/tasks/local.go
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import type { Discovery } from "../api/core/doctor.js";
import { isNotFound } from "../api/core/errors.js";
import type { EventEnvelope } from "../api/core/event.js";
import type { ExitRequest } from "../api/core/exit-record.js";
import type {
  CreateTaskOptions,
  ExecOptions,
  ProcessExit,
  ProcessInfo,
  ProcessState,
  TaskDescriptor,
  TaskMetrics,
  Tasks,
} from "../api/core/task.js";
import type { ProcessName } from "../api/core/task-ledger.js";
import type { Any } from "../api/core/typeurl.js";
import { KnownProcess } from "./known-process.js";
import { Recovery } from "./recovery.js";
import { TaskLifecycle, type TaskManagerDeps } from "./task-lifecycle.js";
import { collectMetrics } from "./task-metrics.js";
import { learn, withAskedStdio } from "./task-news.js";
import { checkpointPath, requireExecId, requireProcess, requireResources, validateExecId } from "./task-requests.js";
import { TaskTable } from "./task-table.js";
import { exitRequest } from "./who-asked.js";
import { Witness } from "./witness.js";

export type { TaskManagerDeps } from "./task-lifecycle.js";

/** The tasks of one daemon, over its drivers. `load` comes first. Disposing ends only those tasks that are bound to the daemon. */
export class TaskManager implements Tasks, AsyncDisposable {
  readonly #deps: TaskManagerDeps;
  readonly #table: TaskTable;
  readonly #witness: Witness;
  readonly #recovery: Recovery;
  readonly #lifecycle: TaskLifecycle;

  constructor(deps: TaskManagerDeps) {
    this.#table = new TaskTable(deps.containers);
    this.#witness = new Witness({ ...deps, table: this.#table });
    this.#deps = { ...deps, ledger: this.#witness };
    this.#recovery = new Recovery(this.#deps);
    const forward = (envelope: EventEnvelope): Promise<void> => this.forward(envelope);
    this.#lifecycle = new TaskLifecycle({ ...this.#deps, table: this.#table, recovery: this.#recovery, forward });
  }

  /** Finds the tasks of a former daemon and settles what it left open. To be called once, before anything else. */
  async load(): Promise<void> {
    await this.#lifecycle.load();
    await this.#witness.settle();
  }

  /**
   * Takes an event from a shim: resolves when it is in the ledger, which is when the shim may forget it.
   * @throws invalid_argument for a malformed topic or namespace.
   */
  async forward(envelope: EventEnvelope): Promise<void> {
    let told = envelope;
    try {
      learn(envelope, (id) => this.#table.get(envelope.namespace, id));
      told = withAskedStdio(envelope, (id) => this.#deps.outputs?.askedFor(envelope.namespace, id));
    } catch (err) {
      // Not a message of its topic: of no use here, but not ours to withhold.
      this.#deps.log.warn({ err, namespace: envelope.namespace, topic: envelope.topic }, "task event not understood");
    }
    await this.#deps.ledger.tell([told]);
  }

  async create(ctx: RequestContext, id: string, options: CreateTaskOptions): Promise<{ readonly pid: number }> {
    return await this.#lifecycle.create(ctx, id, options);
  }

  async start(ctx: RequestContext, id: string, execId: string): Promise<{ readonly pid: number }> {
    const entry = await this.#table.findProcess(ctx, id, execId);
    const { pid } = await entry.task.start(execId, ctx.signal).catch((error: unknown) => {
      // The answer may have been lost, and not the start.
      entry.process(execId)?.doubt();
      throw error;
    });
    entry.process(execId)?.started(pid);
    await this.#recovery.started(entry.task.namespace, id, execId, pid);
    return { pid };
  }

  async delete(ctx: RequestContext, id: string): Promise<ProcessExit> {
    return await this.#lifecycle.delete(ctx, id);
  }

  async deleteProcess(ctx: RequestContext, id: string, execId: string): Promise<ProcessExit> {
    requireExecId(execId);
    const entry = await this.#table.findProcess(ctx, id, execId);
    await this.#recovery.forgetting(entry, execId);
    const exit = await entry.task.delete(execId);
    entry.execDeleted(execId);
    await this.#recovery.execDeleted(entry.task.namespace, id, execId, exit);
    return exit;
  }

  async get(ctx: RequestContext, id: string, execId: string): Promise<ProcessState> {
    const entry = await this.#table.find(ctx, id);
    try {
      return await entry.ask(execId, ctx.signal);
    } catch (error) {
      const known = entry.process(execId);
      if (known === undefined || isNotFound(error) || ctx.signal?.aborted === true) throw error;
      return known.state;
    }
  }

  async list(ctx: RequestContext): Promise<ProcessState[]> {
    return await Promise.all(this.#table.inNamespace(requireNamespace(ctx)).map((entry) => entry.listed()));
  }

  async kill(
    ctx: RequestContext,
    id: string,
    execId: string,
    options: { readonly signal: number; readonly all: boolean },
  ): Promise<void> {
    const entry = await this.#table.findProcess(ctx, id, execId);
    const takeBack = this.#noteRequest(
      ctx,
      { namespace: entry.task.namespace, containerId: id, execId },
      options.signal,
    );
    try {
      await entry.task.kill(execId, options.signal, execId === "" && options.all, ctx.signal);
    } catch (error) {
      takeBack();
      throw error;
    }
  }

  /** Not waited for: what is asked is in the ledger before what follows from it. @returns what unsays it. */
  #noteRequest(ctx: RequestContext, process: ProcessName, signal: number): () => void {
    const request = exitRequest(ctx.peer, signal, this.#deps.clock());
    const note = (value: ExitRequest | undefined): void => {
      const { namespace, containerId: id, execId } = process;
      this.#deps.ledger
        .noteRequest(process, value)
        .catch((err: unknown) => this.#deps.log.warn({ err, namespace, id, execId }, "noting a signal failed"));
    };
    if (request !== undefined) note(request);
    return () => {
      if (request !== undefined) note(undefined);
    };
  }

  async exec(ctx: RequestContext, id: string, execId: string, options: ExecOptions): Promise<void> {
    requireExecId(execId);
    const entry = await this.#table.find(ctx, id);
    validateExecId(execId);
    const spec = requireProcess(options.spec);
    await entry.task.exec(execId, { ...options, spec }, ctx.signal);
    entry.execAdded(execId, new KnownProcess(id, execId, options, 0));
  }

  async resizePty(
    ctx: RequestContext,
    id: string,
    execId: string,
    size: { readonly width: number; readonly height: number },
  ): Promise<void> {
    const entry = await this.#table.findProcess(ctx, id, execId);
    await entry.task.resizePty(execId, size.width, size.height, ctx.signal);
  }

  async closeIO(ctx: RequestContext, id: string, execId: string, options: { readonly stdin: boolean }): Promise<void> {
    const entry = await this.#table.findProcess(ctx, id, execId);
    await entry.task.closeIO(execId, options.stdin, ctx.signal);
  }

  async pause(ctx: RequestContext, id: string): Promise<void> {
    const entry = await this.#table.find(ctx, id);
    await entry.task.pause(ctx.signal);
    entry.init.paused();
  }

  async resume(ctx: RequestContext, id: string): Promise<void> {
    const entry = await this.#table.find(ctx, id);
    await entry.task.resume(ctx.signal);
    entry.init.resumed();
  }

  async pids(ctx: RequestContext, id: string): Promise<ProcessInfo[]> {
    return await (await this.#table.find(ctx, id)).task.pids(ctx.signal);
  }

  async checkpoint(ctx: RequestContext, id: string, options: Any | undefined): Promise<TaskDescriptor[]> {
    const entry = await this.#table.find(ctx, id);
    const { runtime } = await this.#deps.containers.get(ctx, id);
    await entry.task.checkpoint(checkpointPath(runtime.name, options), options, ctx.signal);
    return [];
  }

  async update(
    ctx: RequestContext,
    id: string,
    options: { readonly resources: Any | undefined; readonly annotations: Readonly<Record<string, string>> },
  ): Promise<void> {
    const entry = await this.#table.find(ctx, id);
    await entry.task.update(requireResources(options.resources), options.annotations, ctx.signal);
  }

  async metrics(ctx: RequestContext, filters: readonly string[] = []): Promise<TaskMetrics[]> {
    const tasks = this.#table.inNamespace(requireNamespace(ctx)).map((entry) => entry.task);
    return await collectMetrics(tasks, filters, this.#deps, ctx.signal);
  }

  async wait(ctx: RequestContext, id: string, execId: string): Promise<ProcessExit> {
    const entry = await this.#table.findProcess(ctx, id, execId);
    const known = entry.process(execId);
    if (known?.exit !== undefined) return known.exit;
    const exit = await entry.task.wait(execId, ctx.signal);
    // Without a time nothing has run: an exec whose start failed answers so.
    if (exit.exitedAtNs !== undefined) known?.exited(exit);
    return exit;
  }

  /** The tasks there are, for whoever compares them with the host. */
  known(): { readonly namespace: string; readonly id: string; readonly bundle: string }[] {
    return this.#table.all().map(({ task: { namespace, id, bundle } }) => ({ namespace, id, bundle }));
  }

  /** Names of processes that the drivers look after and that are no task's. */
  attended(): { readonly namespace: string; readonly id: string }[] {
    return this.#lifecycle.attended();
  }

  /** What the drivers say of their engines, for the doctor. */
  examine(signal: AbortSignal | undefined): AsyncIterable<Discovery> {
    return this.#lifecycle.examine(signal);
  }

  /** What a runtime lacks to be run, for people; undefined when nothing. */
  async lacks(runtime: string): Promise<string | undefined> {
    return await this.#lifecycle.lacks(runtime);
  }

  /** Runs `work` if there is no task of this name and none is being made or removed; none comes up before it ends. Else undefined. */
  async whileAbsent<T>(
    name: { readonly namespace: string; readonly id: string },
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    return await this.#lifecycle.whileAbsent(name, work);
  }

  /** Lets go of everything; the tasks go on running, but for those that were to end with the daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#recovery[Symbol.asyncDispose]();
    await this.#lifecycle[Symbol.asyncDispose]();
    await this.#witness[Symbol.asyncDispose]();
  }
}
