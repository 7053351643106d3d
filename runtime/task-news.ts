// Learning from the events that shims send: what they say of their processes is remembered, so that listings need not ask.
import type { EventEnvelope } from "../api/core/event.js";
import { fromTimestamp } from "../api/core/time.js";
import { TaskExecStarted, TaskExit, TaskPaused, TaskResumed, TaskStart } from "../api/gen/events/task.js";
import type { TaskEntry } from "./task-entry.js";
import { TOPICS } from "./task-events.js";

/** Takes in one event. `entryOf` finds the task by its container id; events about other tasks are passed over. */
export function learn(envelope: EventEnvelope, entryOf: (containerId: string) => TaskEntry | undefined): void {
  const bytes = envelope.event?.value ?? Buffer.alloc(0);
  switch (envelope.topic) {
    case TOPICS.start: {
      const { containerId, pid } = TaskStart.decode(bytes);
      entryOf(containerId)?.startReported("", pid);
      return;
    }
    case TOPICS.execStarted: {
      const { containerId, execId, pid } = TaskExecStarted.decode(bytes);
      entryOf(containerId)?.startReported(execId, pid);
      return;
    }
    case TOPICS.exit: {
      const { containerId, id, pid, exitStatus, exitedAt } = TaskExit.decode(bytes);
      entryOf(containerId)?.exitReported(id, { pid, exitStatus, exitedAtNs: fromTimestamp(exitedAt) });
      return;
    }
    case TOPICS.paused:
      entryOf(TaskPaused.decode(bytes).containerId)?.freezeReported("paused");
      return;
    case TOPICS.resumed:
      entryOf(TaskResumed.decode(bytes).containerId)?.freezeReported("running");
      return;
    default:
      return;
  }
}
