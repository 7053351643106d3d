// The host-process supervisor: tasks that are processes of this host, without isolation. It makes them, knows their states, tells
// how they ended, and says all that as events in the order in which it happened. It knows no wire: the shim program puts it on one.
// @source containerd pkg/process, runtime/v2/runc (the states, the refusals, the order of events)
import { DisposeScope } from "../../api/core/dispose.js";
import { alreadyExists, notFound, unavailable } from "../../api/core/errors.js";
import { validateIdentifier } from "../../api/core/identifiers.js";
import { keepDescriptors } from "../sys/spawn.js";
import { createEvent, type TaskEvent } from "../task-events.js";
import { makeTask } from "./make-task.js";
import type { CreateProcessTask, ProcessHost, ProcessHostDeps, ProcessTask } from "./process-task.js";
import { Reaper } from "./reaper.js";
import type { HostTask } from "./task.js";

/** Makes this process a subreaper: what the tasks leave behind becomes its child and is reaped. Disposing kills every task. */
export function createProcessHost(deps: ProcessHostDeps): ProcessHost {
  return new HostProcesses(deps);
}

class HostProcesses implements ProcessHost {
  readonly #deps: ProcessHostDeps;
  readonly #reaper: Reaper;
  readonly #tasks = new Map<string, HostTask>();
  /** Ids of tasks that are being made. */
  readonly #reserved = new Set<string>();
  #isDisposed = false;

  constructor(deps: ProcessHostDeps) {
    this.#deps = deps;
    keepDescriptors();
    this.#reaper = new Reaper(deps.log);
  }

  async create(request: CreateProcessTask, signal?: AbortSignal): Promise<{ readonly pid: number }> {
    const { id } = request;
    validateIdentifier(id);
    if (this.#tasks.has(id) || this.#reserved.has(id)) throw alreadyExists(`container ${id}`);
    this.#reserved.add(id);
    try {
      const { namespace, clock, log, onEvent } = this.#deps;
      const tell = ({ topic, event }: TaskEvent): void => onEvent(topic, event);
      const onDeleted = (): void => void this.#tasks.delete(id);
      if (this.#isDisposed) throw unavailable("the supervisor has ended");
      const task = await makeTask(request, { namespace, clock, log, tell, onDeleted, reaper: this.#reaper, signal });
      if (this.#isDisposed) {
        await task.destroy();
        throw unavailable("the supervisor has ended");
      }
      this.#tasks.set(id, task);
      tell(createEvent(id, { ...request, pid: task.pid }));
      return { pid: task.pid };
    } finally {
      this.#reserved.delete(id);
    }
  }

  task(id: string): ProcessTask {
    const task = this.#tasks.get(id);
    if (task === undefined) throw notFound("container not created");
    return task;
  }

  tasks(): readonly ProcessTask[] {
    return [...this.#tasks.values()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDisposed = true;
    await using scope = new DisposeScope();
    scope.defer(() => this.#reaper[Symbol.dispose]());
    for (const task of this.#tasks.values()) scope.defer(() => task.destroy());
    this.#tasks.clear();
  }
}
