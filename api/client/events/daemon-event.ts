// Events with their payloads decoded: which message comes with which topic, and what of it a consumer is handed.
// @source containerd api/events, core/runtime/events.go (topics)
import { REMOVAL_TOPIC, REMOVAL_TYPE, removalCodec } from "../../core/collector.js";
import { DOCKER_PULL_TOPIC, DOCKER_PULL_TYPE, dockerPullCodec } from "../../core/docker-pull.js";
import type { EventEnvelope } from "../../core/event.js";
import { TASK_VERDICT_TYPE, taskVerdictCodec } from "../../core/task-verdict.js";
import { fromTimestamp } from "../../core/time.js";
import { type Any, isTypeOf } from "../../core/typeurl.js";
import { Finding } from "../../gen/berth/v1/doctor.js";
import { ContainerCreate, ContainerDelete, ContainerUpdate } from "../../gen/events/container.js";
import { ContentCreate, ContentDelete } from "../../gen/events/content.js";
import { NamespaceCreate, NamespaceDelete, NamespaceUpdate } from "../../gen/events/namespace.js";
import { SandboxCreate, SandboxExit, SandboxStart } from "../../gen/events/sandbox.js";
import { SnapshotCommit, SnapshotPrepare, SnapshotRemove } from "../../gen/events/snapshot.js";
import {
  TaskCheckpointed,
  TaskCreate,
  TaskDelete,
  TaskExecAdded,
  TaskExecStarted,
  TaskExit,
  TaskOOM,
  TaskPaused,
  TaskResumed,
  TaskStart,
} from "../../gen/events/task.js";
import type { Timestamp } from "../../gen/google/protobuf/timestamp.js";
import { ImageCreate, ImageDelete, ImageUpdate } from "../../gen/services/images/v1/images.js";

interface Payload<T> {
  readonly typeName: string;
  decode(bytes: Uint8Array): T;
}

const event = <T>(name: string, codec: { decode(bytes: Uint8Array): T }): Payload<T> => ({
  typeName: `containerd.events.${name}`,
  decode: (bytes) => codec.decode(bytes),
});
const imageEvent = <T>(name: string, codec: { decode(bytes: Uint8Array): T }): Payload<T> => ({
  typeName: `containerd.services.images.v1.${name}`,
  decode: (bytes) => codec.decode(bytes),
});
const verdict = { typeName: TASK_VERDICT_TYPE, decode: taskVerdictCodec.decode };

const PAYLOADS = {
  "/containers/create": event("ContainerCreate", ContainerCreate),
  "/containers/update": event("ContainerUpdate", ContainerUpdate),
  "/containers/delete": event("ContainerDelete", ContainerDelete),
  "/content/create": event("ContentCreate", ContentCreate),
  "/content/delete": event("ContentDelete", ContentDelete),
  "/images/create": imageEvent("ImageCreate", ImageCreate),
  "/images/update": imageEvent("ImageUpdate", ImageUpdate),
  "/images/delete": imageEvent("ImageDelete", ImageDelete),
  "/namespaces/create": event("NamespaceCreate", NamespaceCreate),
  "/namespaces/update": event("NamespaceUpdate", NamespaceUpdate),
  "/namespaces/delete": event("NamespaceDelete", NamespaceDelete),
  "/sandboxes/create": event("SandboxCreate", SandboxCreate),
  "/sandboxes/start": event("SandboxStart", SandboxStart),
  "/sandboxes/exit": event("SandboxExit", SandboxExit),
  "/snapshot/prepare": event("SnapshotPrepare", SnapshotPrepare),
  "/snapshot/commit": event("SnapshotCommit", SnapshotCommit),
  "/snapshot/remove": event("SnapshotRemove", SnapshotRemove),
  "/tasks/create": event("TaskCreate", TaskCreate),
  "/tasks/start": event("TaskStart", TaskStart),
  "/tasks/exit": event("TaskExit", TaskExit),
  "/tasks/delete": event("TaskDelete", TaskDelete),
  "/tasks/oom": event("TaskOOM", TaskOOM),
  "/tasks/exec-added": event("TaskExecAdded", TaskExecAdded),
  "/tasks/exec-started": event("TaskExecStarted", TaskExecStarted),
  "/tasks/paused": event("TaskPaused", TaskPaused),
  "/tasks/resumed": event("TaskResumed", TaskResumed),
  "/tasks/checkpointed": event("TaskCheckpointed", TaskCheckpointed),
  "/berth/tasks/lost": verdict,
  "/berth/tasks/settled": verdict,
  "/berth/tasks/cleaned": verdict,
  [DOCKER_PULL_TOPIC]: { typeName: DOCKER_PULL_TYPE, decode: dockerPullCodec.decode },
  [REMOVAL_TOPIC]: { typeName: REMOVAL_TYPE, decode: removalCodec.decode },
  "/berth/doctor/repaired": { typeName: "berth.v1.Finding", decode: (bytes: Uint8Array) => Finding.decode(bytes) },
} as const;

/** Topics whose payloads are known. Those that begin with `/berth/` come only to who names them. */
export type EventTopic = keyof typeof PAYLOADS;

type MessageOf<Topic extends EventTopic> = ReturnType<(typeof PAYLOADS)[Topic]["decode"]>;

/** A message without the wire's ways: maps are objects, and a time `exitedAt` is `exitedAtNs`, nanoseconds since 1970. */
type Plain<T> = T extends Any
  ? T
  : T extends Map<string, infer Value>
    ? Readonly<Record<string, Value>>
    : T extends readonly (infer Item)[]
      ? readonly Plain<Item>[]
      : T extends object
        ? { readonly [Key in keyof T as PlainKey<Key>]: Key extends TimeKey ? bigint | undefined : Plain<T[Key]> }
        : T;
type TimeKey = `${string}At`;
type PlainKey<Key> = Key extends "_unknownFields" ? never : Key extends TimeKey ? `${Key}Ns` : Key;

interface EventBase {
  /** Nanoseconds since 1970. */
  readonly timestampNs: bigint | undefined;
  readonly namespace: string;
}

/** The event of one topic. */
export type EventOf<Topic extends EventTopic> = EventBase & {
  readonly topic: Topic;
  readonly payload: Plain<MessageOf<Topic>>;
};

/** What nobody here knows: another program's event, or one of a newer daemon. */
export interface OtherEvent extends EventBase {
  readonly topic: "other";
  /** What the topic really is; real ones begin with `/`. */
  readonly name: string;
  readonly payload: Any | undefined;
}

/** To be told apart by `topic`. */
export type DaemonEvent = { [Topic in EventTopic]: EventOf<Topic> }[EventTopic] | OtherEvent;

/** An event with its payload; one that is not what its topic says is an `other`. */
export function toDaemonEvent(envelope: EventEnvelope): DaemonEvent {
  const { timestampNs, namespace, topic, event: payload } = envelope;
  const plain = isKnown(topic) && payload !== undefined ? plainPayload(PAYLOADS[topic], payload) : undefined;
  if (plain === undefined) return { timestampNs, namespace, topic: "other", name: topic, payload };
  // The table gives each topic its message, and plainPayload its plain form.
  return { timestampNs, namespace, topic, payload: plain } as unknown as DaemonEvent;
}

function isKnown(topic: string): topic is EventTopic {
  return Object.hasOwn(PAYLOADS, topic);
}

function plainPayload(codec: Payload<object>, payload: Any): unknown {
  if (!isTypeOf(payload, codec.typeName)) return undefined;
  try {
    return plainValue(codec.decode(payload.value));
  } catch {
    // Whoever published it owns its bytes.
    return undefined;
  }
}

function plainValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plainValue);
  if (value instanceof Map) return Object.fromEntries(value);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array || "typeUrl" in value) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "_unknownFields")
      .map(([key, member]) =>
        key.endsWith("At") ? [`${key}Ns`, fromTimestamp(member as Timestamp | undefined)] : [key, plainValue(member)],
      ),
  );
}
