// The list of tasks, and how a request finds its own: container first, then task, then exec, each with its own failure.
// @source containerd services/tasks/local.go (getTask)
import type { ContainerReader } from "../api/core/container.js";
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import { ContainerdError, isNotFound } from "../api/core/errors.js";
import type { TaskEntry } from "./task-entry.js";

export class TaskTable {
  readonly #containers: ContainerReader;
  readonly #entries = new Map<string, TaskEntry>();

  constructor(containers: ContainerReader) {
    this.#containers = containers;
  }

  /** What a task is called here and in locks. Neither part can hold a slash. */
  static key(namespace: string, id: string): string {
    return `${namespace}/${id}`;
  }

  get(namespace: string, id: string): TaskEntry | undefined {
    return this.#entries.get(TaskTable.key(namespace, id));
  }

  add(entry: TaskEntry): void {
    this.#entries.set(TaskTable.key(entry.task.namespace, entry.task.id), entry);
  }

  remove(entry: TaskEntry): void {
    const key = TaskTable.key(entry.task.namespace, entry.task.id);
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  all(): TaskEntry[] {
    return [...this.#entries.values()];
  }

  inNamespace(namespace: string): TaskEntry[] {
    return this.all().filter((entry) => entry.task.namespace === namespace);
  }

  /** The runtime in a container's record; undefined without a record. */
  async runtimeOf(namespace: string, id: string): Promise<string | undefined> {
    try {
      return (await this.#containers.get({ namespace }, id)).runtime.name;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** @throws not_found: `container "x" in namespace "ns": not found`, then `task x not found`. */
  async find(ctx: RequestContext, id: string): Promise<TaskEntry> {
    const namespace = requireNamespace(ctx);
    await this.#containers.get(ctx, id);
    const entry = this.get(namespace, id);
    if (entry === undefined) throw new ContainerdError("not_found", `task ${id} not found`);
    return entry;
  }

  /**
   * The same for a process of the task. The driver is asked about an exec only when nobody has told of it, as after a restart.
   * @throws not_found, also the driver's.
   */
  async findProcess(ctx: RequestContext, id: string, execId: string): Promise<TaskEntry> {
    const entry = await this.find(ctx, id);
    if (entry.process(execId) === undefined) await entry.ask(execId, ctx.signal);
    return entry;
  }
}
