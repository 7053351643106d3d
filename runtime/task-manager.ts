// The task manager: which tasks there are, who may do what to them when, and what the ledger hears. How a task is made and
// spoken to is its driver's business.
// @source containerd services/tasks/local.go, runtime/v2/manager.go
import type { ContainerReader } from "../api/core/container.js";
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import { ContainerdError, isNotFound, notImplemented } from "../api/core/errors.js";
import type { EventEnvelope } from "../api/core/event.js";
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
import type { TaskLedger } from "../api/core/task-ledger.js";
import type { Any } from "../api/core/typeurl.js";
import type { DriverDefinition, DriverDeps, DriverTask, RuntimeDriver, TaskGone } from "./driver.js";
import { KeyedMutex } from "./keyed-mutex.js";
import { KnownProcess } from "./known-process.js";
import { Recovery } from "./recovery.js";
import { ReportingTask } from "./reporting-task.js";
import { TaskEntry } from "./task-entry.js";
import { envelopesOf, type TaskEvent } from "./task-events.js";
import { collectMetrics } from "./task-metrics.js";
import { learn } from "./task-news.js";
import {
  checkpointPath,
  refuseCheckpoint,
  requireExecId,
  requireProcess,
  requireResources,
  validateExecId,
} from "./task-requests.js";
import { TaskTable } from "./task-table.js";

export interface TaskManagerDeps extends Omit<DriverDeps, "onTaskGone"> {
  readonly ledger: TaskLedger;
  /** The first whose `matches` says yes takes a runtime. */
  readonly drivers: readonly DriverDefinition[];
  readonly containers: ContainerReader;
}

interface Driver {
  readonly definition: DriverDefinition;
  readonly driver: RuntimeDriver;
}

export class TaskManager implements Tasks, AsyncDisposable {
  readonly #deps: TaskManagerDeps;
  readonly #drivers: readonly Driver[];
  readonly #table: TaskTable;
  readonly #recovery: Recovery;
  /** Create and Delete of one task, one after another. Everything else goes side by side. */
  readonly #lifecycle = new KeyedMutex();

  constructor(deps: TaskManagerDeps) {
    this.#deps = deps;
    this.#table = new TaskTable(deps.containers);
    this.#recovery = new Recovery(deps);
    const driverDeps: DriverDeps = { ...deps, onTaskGone: (gone) => this.#gone(gone) };
    this.#drivers = deps.drivers.map((definition) => ({ definition, driver: definition.create(driverDeps) }));
  }

  /** Finds the tasks of a former daemon and settles what it left open. To be called once, before anything else. */
  async load(): Promise<void> {
    const loadFrom = async ({ driver }: Driver): Promise<void> => {
      const found = await driver.load((namespace, id) => this.#table.runtimeOf(namespace, id));
      await Promise.all(found.map((task) => this.#loaded(task)));
    };
    await Promise.all(this.#drivers.map(loadFrom));
    const drivers = this.#drivers.map(({ driver }) => driver);
    await this.#recovery.settle(this.#table.all(), drivers);
  }

  /**
   * Takes an event from a shim: resolves when it is in the ledger, which is when the shim may forget it.
   * @throws invalid_argument for a malformed topic or namespace.
   */
  async forward(envelope: EventEnvelope): Promise<void> {
    try {
      learn(envelope, (id) => this.#table.get(envelope.namespace, id));
    } catch (err) {
      // Not a message of its topic: of no use here, but not ours to withhold.
      this.#deps.log.warn({ err, namespace: envelope.namespace, topic: envelope.topic }, "task event not understood");
    }
    await this.#deps.ledger.tell([envelope]);
  }

  async create(ctx: RequestContext, id: string, options: CreateTaskOptions): Promise<{ readonly pid: number }> {
    const namespace = requireNamespace(ctx);
    return await this.#lifecycle.run(TaskTable.key(namespace, id), async () => {
      const container = await this.#deps.containers.get(ctx, id);
      const { runtimePath = "", checkpoint, options: requested, ...rest } = options;
      const runtime = runtimePath === "" ? container.runtime.name : runtimePath;
      const driver = this.#driverOf(runtime);
      const restoreFrom = driver.checkOptions(runtime, requested).checkpointPath;
      if (checkpoint !== undefined && restoreFrom === "") refuseCheckpoint(checkpoint);
      if (this.#table.get(namespace, id) !== undefined) {
        throw new ContainerdError("already_exists", `task ${id}: already exists`);
      }
      const chosen = requested ?? container.runtime.options;
      driver.checkOptions(runtime, chosen);
      const { value: spec } = container.spec;
      const request = { ...rest, namespace, id, runtime, spec, options: chosen, checkpointPath: restoreFrom };
      const task = await this.#made(namespace, id, driver.create(request, ctx.signal));
      const init = new KnownProcess(id, "", rest, task.pid);
      const entry = this.#enter(task, init);
      const created = { ...rest, bundle: task.bundle, pid: task.pid, checkpoint: restoreFrom };
      if (entry.task instanceof ReportingTask) await entry.task.created(created);
      else await this.#recovery.created(namespace, id, created);
      return { pid: task.pid };
    });
  }

  async start(ctx: RequestContext, id: string, execId: string): Promise<{ readonly pid: number }> {
    const entry = await this.#table.findProcess(ctx, id, execId);
    const { pid } = await entry.task.start(execId, ctx.signal);
    entry.process(execId)?.started(pid);
    await this.#recovery.started(entry.task.namespace, id, execId, pid);
    return { pid };
  }

  async delete(ctx: RequestContext, id: string): Promise<ProcessExit> {
    const key = TaskTable.key(requireNamespace(ctx), id);
    return await this.#lifecycle.run(key, async () => {
      const entry = await this.#table.find(ctx, id);
      const hasRun = entry.init.state.status !== "created";
      await this.#recovery.deleting(entry);
      const exit = await entry.task.delete("");
      this.#table.remove(entry);
      await this.#recovery.deleted(entry.task.namespace, id, exit, hasRun);
      return exit;
    });
  }

  async deleteProcess(ctx: RequestContext, id: string, execId: string): Promise<ProcessExit> {
    requireExecId(execId);
    const entry = await this.#table.findProcess(ctx, id, execId);
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
    await entry.task.kill(execId, options.signal, execId === "" && options.all, ctx.signal);
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
    return this.#drivers.flatMap(({ driver }) => driver.attended());
  }

  /** Runs `work` if there is no task of this name and none is being made or removed; none comes up before it ends. Else undefined. */
  async whileAbsent<T>(
    name: { readonly namespace: string; readonly id: string },
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    const key = TaskTable.key(name.namespace, name.id);
    if (this.#lifecycle.isHeld(key)) return undefined;
    return await this.#lifecycle.run(key, async () =>
      this.#table.get(name.namespace, name.id) === undefined ? await work() : undefined,
    );
  }

  /** Lets go of everything; the tasks go on running. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#recovery[Symbol.asyncDispose]();
    await Promise.all(this.#table.all().map((entry) => entry.task[Symbol.asyncDispose]()));
    await Promise.all(this.#drivers.map(({ driver }) => driver[Symbol.asyncDispose]()));
  }

  #driverOf(runtime: string): RuntimeDriver {
    const found = this.#drivers.find(({ definition }) => definition.matches(runtime));
    if (found === undefined) throw notImplemented(`runtime ${runtime}`);
    return found.driver;
  }

  /** What a driver makes; a failure leaves nothing open in the ledger. */
  async #made(namespace: string, id: string, making: Promise<DriverTask>): Promise<DriverTask> {
    try {
      return await making;
    } catch (error) {
      await this.#recovery
        .createFailed(namespace, id)
        .catch((err: unknown) => this.#deps.log.error({ err, namespace, id }, "settling a failed create failed"));
      throw error;
    }
  }

  /** Puts a task on the list, with a reporter before one that does not tell its events itself. */
  #enter(task: DriverTask, init: KnownProcess): TaskEntry {
    const { namespace, id } = task;
    const report = async (event: TaskEvent): Promise<void> => {
      try {
        for (const envelope of envelopesOf(namespace, this.#deps.clock(), [event])) await this.forward(envelope);
      } catch (err) {
        this.#deps.log.error({ err, namespace, id }, "writing a task event failed");
      }
    };
    const entry = new TaskEntry(task.reportsEvents ? task : new ReportingTask(task, report), init);
    this.#table.add(entry);
    return entry;
  }

  async #loaded(task: DriverTask): Promise<void> {
    const { namespace, id } = task;
    const entry = this.#enter(task, KnownProcess.unknown(id, "", task.pid));
    try {
      await entry.ask("");
    } catch (err) {
      this.#deps.log.warn({ err, namespace, id }, "task does not tell its state");
    }
    if (entry.task instanceof ReportingTask && entry.init.state.status !== "stopped") entry.task.watchExit("");
  }

  /** A task ended without Delete. What is known of its exit already stands; else the driver's word is taken. */
  async #gone(gone: TaskGone): Promise<void> {
    const entry = this.#table.get(gone.namespace, gone.id);
    if (entry?.task instanceof ReportingTask) await entry.task.silence();
    try {
      await this.#recovery.gone(gone, entry?.init.exit, entry !== undefined);
    } finally {
      if (entry !== undefined) this.#table.remove(entry);
    }
  }
}
