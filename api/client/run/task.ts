// A task as an object with verbs: its first process, further ones, and what concerns all of them.
import { randomBytes } from "node:crypto";
import type { RequestContext } from "../../core/context.js";
import { DisposeScope } from "../../core/dispose.js";
import { errorKind, failedPrecondition, isNotFound } from "../../core/errors.js";
import type { ProcessInfo } from "../../core/task.js";
import { anyOfJson, PROCESS_TYPE } from "../../core/typeurl.js";
import { execProcess } from "../spec/exec-process.js";
import { readSpec } from "../spec/read-spec.js";
import { throwIfAborted } from "./abort.js";
import { isTerminal, RUN_LABEL } from "./container-parts.js";
import { type TaskUsage, toUsage } from "./metrics.js";
import { checkExecOptions, envList, type TaskExecOptions } from "./options.js";
import { persist } from "./persist.js";
import { ProcessStdio } from "./process-stdio.js";
import { cleanupOf, deleteProcess, type Removable, type RunStores, removeContainer, removeProcess } from "./remove.js";
import { type ProcessDeps, type ProcessProps, TaskProcess } from "./task-process.js";

export interface TaskDeps extends RunStores, ProcessDeps {}

/** A task with its first process. `Client.run` makes one, `Client.task` finds one; dispose it. */
export class Task extends TaskProcess {
  readonly #stores: TaskDeps;

  /** @internal Made by run() and task(). */
  constructor(stores: TaskDeps, props: ProcessProps) {
    super(stores, props);
    this.#stores = stores;
  }

  /**
   * Runs one more process in the task. It is removed from the daemon when it has ended; disposing it ends it.
   * @throws not_found when the task is gone or its root file system does not know the user, already_exists for an id that is taken,
   * unknown with the runtime's words for a program that cannot be run.
   */
  async exec(options: TaskExecOptions): Promise<TaskProcess> {
    checkExecOptions(options);
    const { signal, args, cwd, user, env, timeoutMs } = options;
    throwIfAborted(signal);
    const { id } = this;
    const execId = options.id ?? `exec-${randomBytes(6).toString("hex")}`;
    const terminal = isTerminal(options);
    const ctx = { ...this.request, signal };
    const { tasks } = this.#stores;
    const spec = readSpec(await this.#stores.containers.get(ctx, id));
    // On a snapshot the spec names no folder of ours; the task's own view of its root is as good.
    const isFolder = user === undefined || (spec.root?.path ?? "/").startsWith("/");
    const rooted = isFolder ? spec : { ...spec, root: { path: `/proc/${this.pid}/root` } };
    const process = execProcess(rooted, { args, terminal, cwd, env: envList(env), user });
    await using scope = new DisposeScope();
    const stdio = await ProcessStdio.make(execId, terminal, options.stdio);
    scope.defer(() => stdio.remove());
    scope.use(stdio);
    const cleanup = (): RequestContext => cleanupOf(this.request);
    try {
      await tasks.exec(ctx, id, execId, { ...stdio.stdio, spec: anyOfJson(PROCESS_TYPE, process) });
    } catch (error) {
      // Nobody heard whether it was made; an id that is taken would have been answered.
      if (isGivenUp(error)) await removeProcess(this.#stores, cleanup(), id, execId).catch(() => undefined);
      throw error;
    }
    scope.defer(() => removeProcess(this.#stores, cleanup(), id, execId).catch(() => undefined));
    const exited = this.persist((one) => tasks.wait(one, id, execId));
    exited.catch(() => undefined);
    const { pid } = await tasks.start(ctx, id, execId);
    stdio.release();
    throwIfAborted(signal);
    const child = new TaskProcess(this.deps, {
      ...{ id, execId, pid, stdio, signal, timeoutMs, exited },
      namespace: this.props.namespace,
      isGuest: false,
      remove: async () => {
        await persist(this.deps, () => deleteProcess(tasks, cleanup(), id, execId));
        await stdio.remove();
      },
    });
    scope.release();
    if (typeof options.terminal === "object") await child.resize(options.terminal);
    return child;
  }

  /** Freezes every process of the task. @throws not_implemented where the runtime cannot. */
  async pause(): Promise<void> {
    await this.persist((ctx) => this.#stores.tasks.pause(ctx, this.id));
  }

  /** Lets them go on. */
  async resume(): Promise<void> {
    await this.persist((ctx) => this.#stores.tasks.resume(ctx, this.id));
  }

  /** All processes of the task, children included. */
  async pids(): Promise<ProcessInfo[]> {
    return await this.persist((ctx) => this.#stores.tasks.pids(ctx, this.id));
  }

  /** What the task uses now. @throws not_found when it does not run or its runtime has no figures. */
  async metrics(): Promise<TaskUsage> {
    const filters = [`id==${this.id}`];
    const [found] = await this.persist((ctx) => this.#stores.tasks.metrics(ctx, filters));
    return toUsage(this.id, found);
  }

  /**
   * Removes the task; and, if run() made them, its container with the snapshot. Done already, nothing happens.
   * @param options.force kills it first. Default: false.
   * @throws failed_precondition while it runs.
   */
  async delete(options: { readonly force?: boolean } = {}): Promise<void> {
    if (options.force === true) await this.end();
    else {
      const state = await this.state().catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
      if (state !== undefined && state.status !== "stopped" && state.status !== "created") {
        throw failedPrecondition(`task ${this.id} is ${state.status}`);
      }
    }
    await removeRun(this.#stores, this.request, this.id);
    await this.props.stdio.remove();
  }
}

/** Removes a task that has ended, and its container: the one that is named, or that run() made. */
export async function removeRun(
  deps: TaskDeps,
  request: RequestContext,
  id: string,
  made?: Removable | undefined,
): Promise<void> {
  await persist(deps, async () => {
    const ctx = cleanupOf(request);
    // Two who delete at once may both be told of a shim that goes, and only the next attempt tells that the task has gone.
    await deleteProcess(deps.tasks, ctx, id, "").catch(() => deleteProcess(deps.tasks, ctx, id, ""));
    const container = made ?? (await findMade(deps, ctx, id));
    if (container !== undefined) await removeContainer(deps, ctx, container);
  });
}

async function findMade({ containers }: TaskDeps, ctx: RequestContext, id: string): Promise<Removable | undefined> {
  try {
    const container = await containers.get(ctx, id);
    return container.labels[RUN_LABEL] === undefined ? undefined : container;
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return undefined;
  }
}

function isGivenUp(error: unknown): boolean {
  return ["cancelled", "deadline_exceeded"].includes(errorKind(error));
}
