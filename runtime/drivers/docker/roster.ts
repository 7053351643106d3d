// The tasks that a driver has, and how they are kept equal to what the engine has: events are passed on to whom they concern, and
// at each connection both lists are compared. A container of ours that is no task's any more is removed; others are not ours to touch.
import { isNotFound } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { Clock } from "../../../api/core/time.js";
import type { Engine } from "../../docker/engine.js";
import type { TaskGone } from "../../driver.js";
import type { ContainerEvent } from "./engine-watch.js";
import { ownedBy, taskOfLabels } from "./labels.js";
import { removeContainer } from "./remove-container.js";
import type { DockerTask } from "./task.js";
import { type ListedContainer, listContainers, viewContainer } from "./views.js";

const UNKNOWN_STATUS = 255;
/** Tasks looked at together. */
const PARALLEL = 8;

export interface RosterDeps {
  readonly owner: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Must not reject. */
  readonly tellGone: (gone: TaskGone) => Promise<void>;
}

export class Roster {
  readonly #deps: RosterDeps;
  readonly #byContainer = new Map<string, DockerTask>();
  /** Being made, by how many: whoever makes a container removes it when that fails. */
  readonly #making = new Map<string, number>();
  /** Of those that are no tasks any more. */
  readonly #told = new Set<string>();

  constructor(deps: RosterDeps) {
    this.#deps = deps;
  }

  all(): DockerTask[] {
    return [...this.#byContainer.values()];
  }

  add(task: DockerTask): void {
    this.#byContainer.set(task.container.containerId, task);
  }

  /** False when it was forgotten before. */
  remove(task: DockerTask): boolean {
    return this.#byContainer.delete(task.container.containerId);
  }

  /** A container of this task may appear until the result is disposed. */
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

  /** The end of this task has been told; a container that turns up is removed without a word. */
  alreadyTold(namespace: string, id: string): void {
    this.#told.add(keyOf(namespace, id));
  }

  heard(event: ContainerEvent): void {
    this.#byContainer.get(event.containerId)?.container.heard(event);
  }

  /** @param isThorough asks about every task that has not ended, not only those whose state is another than it was. */
  async compare(engine: Engine, isThorough: boolean): Promise<void> {
    // Before the list, so that none is missed for being younger than it.
    const tasks = this.all();
    const listed = new Map(
      (await listContainers(engine, ownedBy(this.#deps.owner))).map((one) => [one.containerId, one]),
    );
    const doubtful = tasks.filter((task) => isThorough || isDoubtful(task, listed.get(task.container.containerId)));
    const work = async (): Promise<void> => {
      for (let task = doubtful.pop(); task !== undefined; task = doubtful.pop()) await this.#look(task, listed);
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
    for (const container of listed.values()) await this.removeOrphan(engine, container);
  }

  async #look(task: DockerTask, listed: ReadonlyMap<string, ListedContainer>): Promise<void> {
    const { container, namespace, id } = task;
    try {
      if (container.exit === undefined) {
        await container.lookAtAll();
        await task.attachAgain();
      } else if (!listed.has(container.containerId)) await container.removed("its container was removed");
    } catch (err) {
      this.#deps.log.debug({ err, namespace, id }, "the docker engine does not tell of a task");
    }
  }

  /** Whether a task has this container, or somebody is making it. */
  isWanted(containerId: string, { namespace, id }: { readonly namespace: string; readonly id: string }): boolean {
    return this.#byContainer.has(containerId) || this.#making.has(keyOf(namespace, id));
  }

  /**
   * One without a task: its state folder is gone, as after a reboot, or a create was cut off. Told of unless that has been done.
   * Resolves with whether it is gone; never rejects.
   */
  async removeOrphan(engine: Engine, { containerId, labels }: ListedContainer): Promise<boolean> {
    const { owner, log, clock, tellGone } = this.#deps;
    const name = taskOfLabels(labels, owner);
    if (name === undefined || this.isWanted(containerId, name)) return false;
    const key = keyOf(name.namespace, name.id);
    try {
      const view = await viewContainer(engine, containerId);
      await removeContainer(engine, containerId);
      const hasNamesake = this.all().some((task) => keyOf(task.namespace, task.id) === key);
      if (this.#told.delete(key) || hasNamesake) return true;
      const isExitKnown = view.status === "ended";
      const exitStatus = isExitKnown ? view.exitStatus : UNKNOWN_STATUS;
      const exit = { pid: view.pid, exitStatus, exitedAtNs: view.finishedAtNs ?? clock() };
      await tellGone({ ...name, exit, isExitKnown, reason: "its container had no bundle" });
      return true;
    } catch (err) {
      // It was being deleted when the list was made.
      if (isNotFound(err)) return true;
      log.warn({ err, ...name, containerId }, "removing a container without a task failed");
      return false;
    }
  }
}

function isDoubtful(task: DockerTask, listed: ListedContainer | undefined): boolean {
  const { container } = task;
  if (listed === undefined) return true;
  if (container.exit !== undefined) return false;
  // Of an exec that the engine has forgotten it tells nothing.
  return listed.status === "ended" || container.execs.some((exec) => exec.isUnderWay);
}

const keyOf = (namespace: string, id: string): string => `${namespace}/${id}`;
