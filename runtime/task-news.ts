// Learning from the events that shims send: what they say of their processes is remembered, so that listings need not ask.
import type { EventEnvelope } from "../api/core/event.js";
import type { Stdio } from "../api/core/task.js";
import { fromTimestamp } from "../api/core/time.js";
import { TaskCreate, TaskExecStarted, TaskExit, TaskPaused, TaskResumed, TaskStart } from "../api/gen/events/task.js";
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

/** A shim tells which stdio it was given; where that is not what the client asked for, the world hears of the latter. */
export function withAskedStdio(
  envelope: EventEnvelope,
  askedFor: (containerId: string) => Stdio | undefined,
): EventEnvelope {
  if (envelope.topic !== TOPICS.create || envelope.event === undefined) return envelope;
  const created = TaskCreate.decode(envelope.event.value);
  const asked = askedFor(created.containerId);
  if (asked === undefined || created.io === undefined) return envelope;
  const { stdin, stdout, stderr, terminal } = asked;
  const value = Buffer.from(
    TaskCreate.encode({ ...created, io: { ...created.io, stdin, stdout, stderr, terminal } }).finish(),
  );
  return { ...envelope, event: { ...envelope.event, value } };
}
