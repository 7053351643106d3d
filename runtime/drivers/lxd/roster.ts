// The tasks that a driver has, and how they are kept equal to what LXD has: events are passed on to whom they concern, and at each
// connection both lists are compared. An instance of ours that is no task's any more is removed; others are not ours to touch.
import { failedPrecondition, isNotFound } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { Clock } from "../../../api/core/time.js";
import type { TaskGone } from "../../driver.js";
import { type LxdInstance, listInstances } from "../../lxd/instances.js";
import type { LxdServer } from "../../lxd/server.js";
import { removeInstance } from "./make-instance.js";
import { taskOfMarks } from "./names.js";
import type { LxdTask } from "./task.js";
import type { InstanceEvent } from "./watch.js";

const UNKNOWN_STATUS = 255;
const RENAMED = "instance-renamed";

export interface RosterDeps {
  readonly owner: string;
  readonly server: LxdServer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Must not reject. */
  readonly tellGone: (gone: TaskGone) => Promise<void>;
}

export class Roster {
  readonly #deps: RosterDeps;
  readonly #tasks = new Set<LxdTask>();
  /** Being made, by how many: whoever makes an instance removes it when that fails. */
  readonly #making = new Map<string, number>();
  /** Names of instances that are about to have a task. */
  readonly #claimed = new Set<string>();
  /** Of those that are no tasks any more. */
  readonly #told = new Set<string>();

  constructor(deps: RosterDeps) {
    this.#deps = deps;
  }

  all(): LxdTask[] {
    return [...this.#tasks];
  }

  add(task: LxdTask): void {
    this.#tasks.add(task);
  }

  /** False when it was forgotten before. */
  remove(task: LxdTask): boolean {
    return this.#tasks.delete(task);
  }

  /**
   * An instance has one task at most: nobody else may claim it until the result is disposed.
   * @throws failed_precondition, naming the task that has it.
   */
  claim(instance: string): Disposable {
    const task = this.#taskOf(instance);
    if (task !== undefined || this.#claimed.has(instance)) {
      const whose = task === undefined ? "another task" : `task ${task.id} in namespace ${task.namespace}`;
      throw failedPrecondition(`instance ${instance} is that of ${whose}`);
    }
    this.#claimed.add(instance);
    return { [Symbol.dispose]: () => void this.#claimed.delete(instance) };
  }

  /** An instance of this task may appear until the result is disposed. */
  making(namespace: string, id: string): Disposable {
    const key = keyOf(namespace, id);
    this.#making.set(key, (this.#making.get(key) ?? 0) + 1);
    return {
      [Symbol.dispose]: () => {
        const left = (this.#making.get(key) ?? 1) - 1;
        if (left === 0) this.#making.delete(key);
        else this.#making.set(key, left);
      },
    };
  }

  /** The end of this task has been told; an instance that turns up is removed without a word. */
  alreadyTold(namespace: string, id: string): void {
    this.#told.add(keyOf(namespace, id));
  }

  heard({ instance, action, oldName }: InstanceEvent): void {
    if (action === RENAMED && oldName !== undefined) this.#rename(oldName, instance);
    else this.#taskOf(instance)?.instance.heard(action);
  }

  /** @param isLate what happened before will not be told any more. */
  async compare(isLate: boolean): Promise<void> {
    // Before the list, so that none is missed for being younger than it.
    const tasks = this.all();
    const listed = await listInstances(this.#deps.server);
    await Promise.all(tasks.map((task) => this.#look(task, listed, isLate)));
    for (const instance of listed) await this.removeOrphan(instance);
  }

  async #look(task: LxdTask, listed: readonly LxdInstance[], isLate: boolean): Promise<void> {
    const { instance, namespace, id } = task;
    try {
      if (instance.exit === undefined) {
        await instance.look(undefined, undefined, isLate);
        if (isLate) await task.attachAgain();
      } else if (!listed.some((one) => instance.is(one))) await instance.removed();
    } catch (err) {
      this.#deps.log.debug({ err, namespace, id }, "lxd does not tell of a task");
    }
  }

  #taskOf(instance: string): LxdTask | undefined {
    return this.all().find((task) => task.instance.name === instance);
  }

  #rename(oldName: string, instance: string): void {
    const task = this.#taskOf(oldName);
    task?.instance
      .renamed(instance)
      .catch((err: unknown) => this.#deps.log.error({ err, instance }, "saving an instance's new name failed"));
  }

  /** Whether a task has this instance, or somebody is making it. */
  isWanted(listed: LxdInstance, { namespace, id }: { readonly namespace: string; readonly id: string }): boolean {
    return this.all().some((task) => task.instance.is(listed)) || this.#making.has(keyOf(namespace, id));
  }

  /**
   * One without a task: its state folder is gone, as after a reboot, or a create was cut off. Told of unless that has been done.
   * Resolves with whether it is gone; never rejects.
   */
  async removeOrphan(listed: LxdInstance): Promise<boolean> {
    const { owner, log, clock, server, tellGone } = this.#deps;
    const name = taskOfMarks(listed, owner);
    if (name === undefined || this.isWanted(listed, name)) return false;
    const key = keyOf(name.namespace, name.id);
    try {
      await removeInstance(server, listed.name);
      const hasNamesake = this.all().some((task) => keyOf(task.namespace, task.id) === key);
      if (this.#told.delete(key) || hasNamesake) return true;
      const exit = { pid: 0, exitStatus: UNKNOWN_STATUS, exitedAtNs: clock() };
      await tellGone({ ...name, exit, isExitKnown: false, reason: "its instance had no bundle" });
      return true;
    } catch (err) {
      // It was being deleted when the list was made.
      if (isNotFound(err)) return true;
      log.warn({ err, ...name, instance: listed.name }, "removing an instance without a task failed");
      return false;
    }
  }
}

const keyOf = (namespace: string, id: string): string => `${namespace}/${id}`;
