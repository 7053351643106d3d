// What a daemon found out about a task that nobody was watching, and what it did about it: the payload of `/berth/tasks/…` events.
import { jsonPayload } from "./json-payload.js";

export const TASK_VERDICT_TYPE = "berth.events.TaskVerdict";

/**
 * `lost`: the task ended without being deleted, and what was left of it has been cleaned up. `settled`: a process ended while no
 * daemon saw it, and its exit has been told now. `cleaned`: what was left of a create or a delete that was
 * cut short has been removed. `ended`: the task was to live no longer than its daemon, and has been killed.
 */
export type VerdictKind = "lost" | "settled" | "cleaned" | "ended";

export const VERDICT_TOPICS: Readonly<Record<VerdictKind, string>> = {
  lost: "/berth/tasks/lost",
  settled: "/berth/tasks/settled",
  cleaned: "/berth/tasks/cleaned",
  ended: "/berth/tasks/ended",
};

export interface TaskVerdict {
  readonly containerId: string;
  /** "" for the task's own process. */
  readonly execId: string;
  /** 0 when there was none, or it is not known. */
  readonly pid: number;
  /** 255 when `isExitKnown` is false. */
  readonly exitStatus: number;
  readonly isExitKnown: boolean;
  /** For people. */
  readonly reason: string;
}

export const taskVerdictCodec = jsonPayload<TaskVerdict>(TASK_VERDICT_TYPE);
