// The events of tasks: built here for drivers that report none, and read here to learn from those that do.
// @source containerd api/events/task.proto, core/runtime/events.go (topics)
import type { EventEnvelope } from "../api/core/event.js";
import type { Mount, ProcessExit, Stdio } from "../api/core/task.js";
import { toTimestamp } from "../api/core/time.js";
import { type Any, anyOfMessage } from "../api/core/typeurl.js";
import {
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskOOM,
  TaskPaused,
  TaskResumed,
  TaskStart,
} from "../api/gen/events/task.js";

export const TOPICS = {
  create: "/tasks/create",
  start: "/tasks/start",
  exit: "/tasks/exit",
  delete: "/tasks/delete",
  execAdded: "/tasks/exec-added",
  execStarted: "/tasks/exec-started",
  paused: "/tasks/paused",
  resumed: "/tasks/resumed",
  oom: "/tasks/oom",
} as const;

/** An event that has no envelope yet. */
export interface TaskEvent {
  readonly topic: string;
  readonly event: Any;
}

export interface CreatedTask extends Stdio {
  readonly bundle: string;
  readonly rootfs: readonly Mount[];
  readonly pid: number;
  readonly checkpoint: string;
}

export function createEvent(containerId: string, created: CreatedTask): TaskEvent {
  const { bundle, pid, checkpoint, stdin, stdout, stderr, terminal } = created;
  const message = TaskCreate.fromPartial({
    containerId,
    bundle,
    pid,
    checkpoint,
    io: { stdin, stdout, stderr, terminal },
    rootfs: created.rootfs.map((mount) => ({ ...mount, options: [...mount.options] })),
  });
  return { topic: TOPICS.create, event: anyOfMessage("containerd.events.TaskCreate", TaskCreate, message) };
}

export function startEvent(containerId: string, execId: string, pid: number): TaskEvent {
  if (execId !== "") {
    const message = TaskExecStarted.fromPartial({ containerId, execId, pid });
    return {
      topic: TOPICS.execStarted,
      event: anyOfMessage("containerd.events.TaskExecStarted", TaskExecStarted, message),
    };
  }
  const message = TaskStart.fromPartial({ containerId, pid });
  return { topic: TOPICS.start, event: anyOfMessage("containerd.events.TaskStart", TaskStart, message) };
}

export function execAddedEvent(containerId: string, execId: string): TaskEvent {
  const message = TaskExecAdded.fromPartial({ containerId, execId });
  return { topic: TOPICS.execAdded, event: anyOfMessage("containerd.events.TaskExecAdded", TaskExecAdded, message) };
}

export function exitEvent(containerId: string, execId: string, exit: ProcessExit): TaskEvent {
  const { pid, exitStatus, exitedAtNs } = exit;
  const id = execId === "" ? containerId : execId;
  const message = TaskExit.fromPartial({ containerId, id, pid, exitStatus, exitedAt: toTimestamp(exitedAtNs) });
  return { topic: TOPICS.exit, event: anyOfMessage("containerd.events.TaskExit", TaskExit, message) };
}

export function deleteEvent(containerId: string, exit: ProcessExit): TaskEvent {
  const { pid, exitStatus, exitedAtNs } = exit;
  const message = TaskDelete.fromPartial({ containerId, pid, exitStatus, exitedAt: toTimestamp(exitedAtNs) });
  return { topic: TOPICS.delete, event: anyOfMessage("containerd.events.TaskDelete", TaskDelete, message) };
}

export function freezeEvent(containerId: string, topic: "paused" | "resumed"): TaskEvent {
  return topic === "paused"
    ? {
        topic: TOPICS.paused,
        event: anyOfMessage("containerd.events.TaskPaused", TaskPaused, TaskPaused.fromPartial({ containerId })),
      }
    : {
        topic: TOPICS.resumed,
        event: anyOfMessage("containerd.events.TaskResumed", TaskResumed, TaskResumed.fromPartial({ containerId })),
      };
}

/** Memory ran out in the container. */
export function oomEvent(containerId: string): TaskEvent {
  const message = TaskOOM.fromPartial({ containerId });
  return { topic: TOPICS.oom, event: anyOfMessage("containerd.events.TaskOOM", TaskOOM, message) };
}

/** The events in the envelopes that the ledger takes. */
export function envelopesOf(namespace: string, timestampNs: bigint, events: readonly TaskEvent[]): EventEnvelope[] {
  return events.map(({ topic, event }) => ({ timestampNs, namespace, topic, event }));
}
