// What is left of a task when its shim has died: the processes go on, and only the bundle says which they are.
import type { ProcessExit } from "../../api/core/task.js";
import type { Clock } from "../../api/core/time.js";

export interface LeftBehind {
  readonly namespace: string;
  readonly id: string;
  /** Folder with what the shim wrote down, absolute. */
  readonly bundle: string;
  readonly clock: Clock;
}

/**
 * Kills what is left of a task and removes its control group; nothing that is not the task's is touched, whatever has its pid by now.
 * @returns pid and status 137, also when nothing was left; pid 4294967295 when no pid was ever written.
 */
export declare function endLeftBehind(task: LeftBehind): Promise<ProcessExit>;
