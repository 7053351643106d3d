// Whether a task is paused, and what that state allows, in the runtime's words.
// @source containerd runtime/v2/runc/init_state.go
import { type ContainerdError, unknownError } from "../../api/core/errors.js";
import type { TaskStatus } from "../../api/core/task.js";
import { KeyedMutex } from "../keyed-mutex.js";
import type { TaskProcesses } from "./task-processes.js";

const KEY = "";

/** A refusal has no class: it travels as it is. */
export const refusal = (message: string): ContainerdError => unknownError(message);

export interface FreezerDeps {
  readonly processes: TaskProcesses;
  /** Of the task: "stopped" as soon as its end has begun. */
  readonly status: () => TaskStatus;
  readonly tell: (topic: "paused" | "resumed") => void;
}

export class Freezer {
  readonly #deps: FreezerDeps;
  readonly #mutex = new KeyedMutex();
  #state: "pausing" | "paused" | undefined;

  constructor(deps: FreezerDeps) {
    this.#deps = deps;
  }

  /** undefined for a task that goes on, or that is over. */
  get state(): "pausing" | "paused" | undefined {
    return this.#state;
  }

  async pause(): Promise<void> {
    await this.#mutex.run(KEY, async () => {
      const { processes, status, tell } = this.#deps;
      const before = status();
      if (before === "created") throw refusal("cannot pause task in created state");
      if (before !== "running") throw refusal(`cannot pause a ${before} container`);
      this.#state = "pausing";
      try {
        await processes.freeze();
      } catch (error) {
        this.#state = undefined;
        throw error;
      }
      // It may have been killed meanwhile.
      if (status() === "stopped") throw refusal("cannot pause a stopped container");
      this.#state = "paused";
      tell("paused");
    });
  }

  async resume(): Promise<void> {
    await this.#mutex.run(KEY, async () => {
      const { processes, status, tell } = this.#deps;
      const before = status();
      if (before === "created") throw refusal("cannot resume task in created state");
      if (before === "running") throw refusal("cannot resume a running process");
      if (before !== "paused") throw refusal(`cannot resume a ${before} container`);
      await processes.thaw();
      if (status() === "stopped") throw refusal("cannot resume a stopped container");
      this.#state = undefined;
      tell("resumed");
    });
  }

  /** The task is over; there is nothing to resume. */
  forget(): void {
    this.#state = undefined;
  }
}
