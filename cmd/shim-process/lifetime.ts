// When the shim ends: when nobody needs it any more. And what becomes of its tasks when their daemon goes.
import type { Logger } from "../../api/core/log.js";
import { endsWithDaemon } from "../../api/core/task-lifetime.js";
import type { ProcessTask } from "../../runtime/process/process-task.js";

/** A daemon that was just told the address is about to dial it. */
const IDLE_MS = 5_000;
/** How long a daemon that comes back can learn how those of its tasks ended that were bound to it. */
const BOUND_IDLE_MS = 60_000;
const SIGKILL = 9;

/** What is looked at of a task. */
type KnownTask = Pick<ProcessTask, "id" | "annotations" | "state" | "kill">;

export interface LifetimeDeps {
  readonly tasks: () => readonly KnownTask[];
  readonly log: Logger;
  /** Ends the shim. */
  readonly end: () => void;
  /** How long it stays without tasks and connections. Default: 5 seconds. */
  readonly idleMs?: number;
  /** How long it stays without connections for tasks that have ended and were bound to their daemon. Default: a minute. */
  readonly boundIdleMs?: number;
}

/** Such a task is of no use to anybody but a next daemon, which need not ever come. */
const hasEndedWithDaemon = (task: KnownTask): boolean =>
  endsWithDaemon(task.annotations) && task.state("").status === "stopped";

/** Tasks go by calls only, so what is left to look at is the end of a connection. */
export class Lifetime implements Disposable {
  readonly #deps: LifetimeDeps;
  #connections = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: LifetimeDeps) {
    this.#deps = deps;
    this.connected(0);
  }

  /** A connection has come or gone. */
  connected(count: number): void {
    const isLast = count === 0 && this.#connections > 0;
    this.#connections = count;
    clearTimeout(this.#timer);
    if (isLast) this.#endBound();
    if (count > 0) return;
    const { tasks, end, idleMs = IDLE_MS, boundIdleMs = BOUND_IDLE_MS } = this.#deps;
    const isIdle = tasks().length === 0;
    this.#timer = setTimeout(() => tasks().every(hasEndedWithDaemon) && end(), isIdle ? idleMs : boundIdleMs);
  }

  /** Somebody asks the shim to end. Without `now` others may be about to make a task; with tasks nothing comes of it. */
  asked(now: boolean): void {
    if (now && this.#deps.tasks().length === 0) this.#deps.end();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  /** Nobody is connected: the daemon is gone, and so go the tasks that were to live no longer than it. */
  #endBound(): void {
    for (const task of this.#deps.tasks()) {
      if (!endsWithDaemon(task.annotations)) continue;
      this.#deps.log.info({ id: task.id }, "killing a task whose daemon is gone");
      task.kill("", SIGKILL, true).catch((err: unknown) => {
        this.#deps.log.debug({ err, id: task.id }, "a task whose daemon is gone was not killed");
      });
    }
  }
}
