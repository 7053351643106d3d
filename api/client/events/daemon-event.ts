// Events with their payloads decoded: what of a topic's message a consumer is handed.
import type { EventEnvelope } from "../../core/event.js";
import { EVENT_PAYLOADS, type Payload } from "../../core/event-payloads.js";
import { fromTimestamp } from "../../core/time.js";
import { type Any, isTypeOf } from "../../core/typeurl.js";
import type { Timestamp } from "../../gen/google/protobuf/timestamp.js";

/** Topics whose payloads are known. Those that begin with `/berth/` come only to who names them. */
export type EventTopic = keyof typeof EVENT_PAYLOADS;

type MessageOf<Topic extends EventTopic> = ReturnType<(typeof EVENT_PAYLOADS)[Topic]["decode"]>;

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
  const plain = isKnown(topic) && payload !== undefined ? plainPayload(EVENT_PAYLOADS[topic], payload) : undefined;
  if (plain === undefined) return { timestampNs, namespace, topic: "other", name: topic, payload };
  // The table gives each topic its message, and plainPayload its plain form.
  return { timestampNs, namespace, topic, payload: plain } as unknown as DaemonEvent;
}

function isKnown(topic: string): topic is EventTopic {
  return Object.hasOwn(EVENT_PAYLOADS, topic);
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
