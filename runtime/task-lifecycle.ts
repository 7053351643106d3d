// How tasks come and go: which driver makes one, what is told of it and when, how those of a former daemon are found, and what
// becomes of one that vanishes. What is asked of them in between is in task-manager.ts.
// @source containerd services/tasks/local.go (Create, Delete), runtime/v2/manager.go
import type { ContainerReader } from "../api/core/container.js";
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import type { Discovery } from "../api/core/doctor.js";
import { ContainerdError, notImplemented } from "../api/core/errors.js";
import type { EventEnvelope } from "../api/core/event.js";
import type { CreateTaskOptions, ProcessExit, Stdio } from "../api/core/task.js";
import type { TaskLedger } from "../api/core/task-ledger.js";
import type { LastLines } from "../api/core/task-log.js";
import type { DriverDefinition, DriverDeps, DriverExamination, DriverTask, RuntimeDriver, TaskGone } from "./driver.js";
import { KeyedMutex } from "./keyed-mutex.js";
import { KnownProcess } from "./known-process.js";
import type { OutputKeeper } from "./logs/log-keeper.js";
import type { Recovery } from "./recovery.js";
import { ReportingTask } from "./reporting-task.js";
import { TaskEntry } from "./task-entry.js";
import { envelopesOf, type TaskEvent } from "./task-events.js";
import { boundTasks, endTask } from "./task-lifetime.js";
import { refuseCheckpoint } from "./task-requests.js";
import { TaskTable } from "./task-table.js";

/** What a task manager is handed for its life. It disposes the drivers that it makes, and nothing else. */
export interface TaskManagerDeps extends Omit<DriverDeps, "onTaskGone"> {
  /** Hears of everything that happens to tasks. */
  readonly ledger: TaskLedger;
  /** The first whose `matches` says yes takes a runtime. */
  readonly drivers: readonly DriverDefinition[];
  /** Where the spec and the runtime of a container are read. */
  readonly containers: ContainerReader;
  /** Who knows what tasks wrote last. Default: nobody does. */
  readonly lastLines?: LastLines | undefined;
  /** Who keeps what tasks write. Default: nobody does. */
  readonly outputs?: OutputKeeper | undefined;
}

export interface TaskLifecycleDeps extends TaskManagerDeps {
  readonly table: TaskTable;
  readonly recovery: Recovery;
  /** Takes an event of a task whose driver tells none, as if it came from a shim. */
  readonly forward: (envelope: EventEnvelope) => Promise<void>;
}

interface Driver {
  readonly definition: DriverDefinition;
  readonly driver: RuntimeDriver;
}

export class TaskLifecycle implements AsyncDisposable {
  readonly #deps: TaskLifecycleDeps;
  readonly #drivers: readonly Driver[];
  readonly #table: TaskTable;
  readonly #recovery: Recovery;
  /** Create and Delete of one task, one after another. Everything else goes side by side. */
  readonly #order = new KeyedMutex();

  constructor(deps: TaskLifecycleDeps) {
    this.#deps = deps;
    this.#table = deps.table;
    this.#recovery = deps.recovery;
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
    await this.#deps.outputs?.settle();
    await this.#recovery.settle(this.#table.all(), drivers);
    await this.#endBound("its daemon had ended");
  }

  async create(ctx: RequestContext, id: string, options: CreateTaskOptions): Promise<{ readonly pid: number }> {
    const namespace = requireNamespace(ctx);
    return await this.#order.run(
      TaskTable.key(namespace, id),
      async () => {
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
        const { image } = container;
        const output = await this.#deps.outputs?.begin(container, namespace, rest, ctx.signal);
        const asked = { ...rest, ...output };
        const request = { ...asked, namespace, id, runtime, image, spec, options: chosen, checkpointPath: restoreFrom };
        const task = await this.#made(namespace, id, driver.create(request, ctx.signal));
        const init = new KnownProcess(id, "", rest, task.pid);
        const entry = this.#enter(task, init, output === undefined ? undefined : rest);
        const created = { ...rest, bundle: task.bundle, pid: task.pid, checkpoint: restoreFrom };
        if (entry.task instanceof ReportingTask) await entry.task.created(created);
        else await this.#recovery.created(namespace, id, created);
        return { pid: task.pid };
      },
      ctx.signal,
    );
  }

  async delete(ctx: RequestContext, id: string): Promise<ProcessExit> {
    const key = TaskTable.key(requireNamespace(ctx), id);
    return await this.#order.run(
      key,
      async () => {
        const entry = await this.#table.find(ctx, id);
        const hasRun = entry.init.state.status !== "created";
        await this.#recovery.deleting(entry);
        const exit = await entry.task.delete("");
        this.#table.remove(entry);
        await this.#deps.outputs?.end(entry.task.namespace, id);
        await this.#recovery.deleted(entry.task.namespace, id, exit, hasRun);
        return exit;
      },
      ctx.signal,
    );
  }

  /** Names of processes that the drivers look after and that are no task's. */
  attended(): { readonly namespace: string; readonly id: string }[] {
    return this.#drivers.flatMap(({ driver }) => driver.attended());
  }

  /** What the drivers say of their engines. */
  async *examine(signal: AbortSignal | undefined): AsyncGenerator<Discovery> {
    const whileAbsent: DriverExamination["whileAbsent"] = (name, work) => this.whileAbsent(name, work);
    for (const { driver } of this.#drivers) yield* driver.examine?.({ signal, whileAbsent }) ?? [];
  }

  /** What a runtime lacks to be run, for people; undefined when nothing. */
  async lacks(runtime: string): Promise<string | undefined> {
    const found = this.#drivers.find(({ definition }) => definition.matches(runtime));
    return found === undefined ? "no driver runs it" : await found.driver.lacks?.(runtime);
  }

  /** Runs `work` if there is no task of this name and none is being made or removed; none comes up before it ends. Else undefined. */
  async whileAbsent<T>(
    name: { readonly namespace: string; readonly id: string },
    work: () => Promise<T>,
  ): Promise<T | undefined> {
    const key = TaskTable.key(name.namespace, name.id);
    if (this.#order.isHeld(key)) return undefined;
    return await this.#order.run(key, async () =>
      this.#table.get(name.namespace, name.id) === undefined ? await work() : undefined,
    );
  }

  /** Lets go of everything; the tasks go on running, but for those that were to end with the daemon. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endBound("its daemon ends");
    await Promise.all(this.#table.all().map((entry) => entry.task[Symbol.asyncDispose]()));
    await Promise.all(this.#drivers.map(({ driver }) => driver[Symbol.asyncDispose]()));
  }

  async #endBound(reason: string): Promise<void> {
    const end = async (entry: TaskEntry): Promise<void> => {
      const { namespace, id } = entry.task;
      const exit = await endTask(entry, this.#deps.log);
      if (exit !== undefined) await this.#recovery.ended(namespace, id, exit, reason);
    };
    const specOf = async (namespace: string, id: string): Promise<Uint8Array> =>
      (await this.#deps.containers.get({ namespace }, id)).spec.value;
    await Promise.all((await boundTasks(this.#table.all(), specOf)).map(end));
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
      await this.#deps.outputs?.abandon(namespace, id);
      await this.#recovery
        .createFailed(namespace, id)
        .catch((err: unknown) => this.#deps.log.error({ err, namespace, id }, "settling a failed create failed"));
      throw error;
    }
  }

  /**
   * Puts a task on the list, with a reporter before one that does not tell its events itself.
   * @param asked what its client asked for, where the task was given other stdio.
   */
  #enter(task: DriverTask, init: KnownProcess, asked: Stdio | undefined): TaskEntry {
    const { namespace, id } = task;
    const report = async (event: TaskEvent): Promise<void> => {
      try {
        for (const envelope of envelopesOf(namespace, this.#deps.clock(), [event])) await this.#deps.forward(envelope);
      } catch (err) {
        this.#deps.log.error({ err, namespace, id }, "writing a task event failed");
      }
    };
    const entry = new TaskEntry(task.reportsEvents ? task : new ReportingTask(task, report), init, asked);
    this.#table.add(entry);
    return entry;
  }

  async #loaded(task: DriverTask): Promise<void> {
    const { namespace, id } = task;
    const asked = await this.#deps.outputs?.resume(namespace, id);
    const entry = this.#enter(task, KnownProcess.unknown(id, "", task.pid), asked);
    try {
      await entry.ask("");
    } catch (err) {
      this.#deps.log.warn({ err, namespace, id }, "task does not tell its state");
    }
    if (!(entry.task instanceof ReportingTask)) return;
    if (entry.init.state.status !== "stopped") entry.task.watchExit("");
    for (const execId of await entry.task.startedExecs()) {
      const state = await entry.ask(execId).catch(() => undefined);
      if (state?.status !== "stopped") entry.task.watchExit(execId);
    }
  }

  /** A task ended without Delete. What is known of its exit already stands; else the driver's word is taken. */
  async #gone(gone: TaskGone): Promise<void> {
    const entry = this.#table.get(gone.namespace, gone.id);
    if (entry?.task instanceof ReportingTask) await entry.task.silence();
    try {
      await this.#recovery.gone(gone, entry?.init.exit, entry !== undefined);
    } finally {
      if (entry !== undefined) this.#table.remove(entry);
      await this.#deps.outputs?.end(gone.namespace, gone.id);
    }
  }
}
