// Tasks and their events between the wire of 2017 and the vocabulary.
import type { EventEnvelope } from "../../api/core/event.js";
import type { CreateTaskOptions, ProcessState, TaskDescriptor, TaskStatus } from "../../api/core/task.js";
import type { Any } from "../../api/core/typeurl.js";
import { TaskCreate, TaskExecStarted, TaskExit, TaskOOM, TaskPaused, TaskStart } from "../../api/gen/events/task.js";
import type { CreateRequest } from "../../api/gen/v2017/api/services/execution/execution.js";
import { Descriptor } from "../../api/gen/v2017/api/types/descriptor/descriptor.js";
import { Event, Event_EventType as EventType, Status, Task } from "../../api/gen/v2017/api/types/task/task.js";

const STATUSES: Readonly<Record<TaskStatus, Status>> = {
  unknown: Status.UNKNOWN,
  created: Status.CREATED,
  running: Status.RUNNING,
  stopped: Status.STOPPED,
  paused: Status.PAUSED,
  // Nobody knew this state then; its processes still run.
  pausing: Status.RUNNING,
};

export const toTask = ({ containerId, pid, status }: ProcessState, spec: Any | undefined): Task =>
  Task.fromPartial({ id: containerId, containerId, pid, status: STATUSES[status], spec });

/** The mounts make up the root itself, whatever target they name. */
export const fromCreateRequest = ({ rootfs, stdin, stdout, stderr, terminal }: CreateRequest): CreateTaskOptions => ({
  rootfs: rootfs.map(({ type, source, options }) => ({ type, source, options })),
  stdin,
  stdout,
  stderr,
  terminal,
});

export const fromDescriptor = ({ mediaType, digest, size }: Descriptor): TaskDescriptor => ({
  mediaType,
  digest,
  sizeBytes: size,
  annotations: {},
});

export const toDescriptor = (mediaType: string, digest: string, sizeBytes: number): Descriptor =>
  Descriptor.fromPartial({ mediaType, digest, size: BigInt(sizeBytes) });

/** The topics that this API has an event for, with what it tells of them. */
type Teller = (payload: Uint8Array) => Partial<Event>;

const EVENTS: ReadonlyMap<string, Teller> = new Map<string, Teller>([
  ["/tasks/create", (payload) => ofInit(EventType.CREATE, TaskCreate.decode(payload))],
  ["/tasks/start", (payload) => ofInit(EventType.START, TaskStart.decode(payload))],
  ["/tasks/exec-started", (payload) => ofInit(EventType.EXEC_ADDED, TaskExecStarted.decode(payload))],
  ["/tasks/exit", (payload) => toExit(TaskExit.decode(payload))],
  ["/tasks/oom", (payload) => ({ type: EventType.OOM, id: TaskOOM.decode(payload).containerId })],
  ["/tasks/paused", (payload) => ({ type: EventType.PAUSED, id: TaskPaused.decode(payload).containerId })],
]);

export const EVENT_TOPICS: readonly string[] = [...EVENTS.keys()];

const ofInit = (type: EventType, { containerId, pid }: { readonly containerId: string; readonly pid: number }) => ({
  type,
  id: containerId,
  pid,
});

const toExit = ({ containerId, pid, exitStatus, exitedAt }: TaskExit): Partial<Event> => ({
  type: EventType.EXIT,
  id: containerId,
  pid,
  exitStatus,
  exitedAt,
});

/** Undefined for what this API does not tell, and for a payload that is none: anybody may publish under any topic. */
export function toEvent({ topic, event }: EventEnvelope): Event | undefined {
  try {
    const told = event && EVENTS.get(topic)?.(event.value);
    return told && Event.fromPartial(told);
  } catch {
    return undefined;
  }
}
