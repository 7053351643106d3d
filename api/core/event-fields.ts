// What is inside an event: as the fields that filters see, and as the object that `ctr events` prints. Payloads are known by
// their type url; one that is unknown or damaged has no fields and is passed on untouched.
// @source containerd api/events/*_fieldpath.pb.go; containerd core/events/events.go
import type { EventEnvelope } from "./event.js";
import { EVENT_PAYLOADS } from "./event-payloads.js";
import type { Adaptor } from "./filters/index.js";
import { formatTime, fromTimestamp } from "./time.js";
import type { Any } from "./typeurl.js";

interface Codec {
  decode(bytes: Uint8Array): object;
}

/** By full message name. */
const CODECS: ReadonlyMap<string, Codec> = new Map(
  Object.values(EVENT_PAYLOADS).map((payload): [string, Codec] => [payload.typeName, payload]),
);

/** The payload as a generated message; undefined for an unknown type and for bytes that are no such message. */
function decodePayload(any: Any): object | undefined {
  const codec = CODECS.get(any.typeUrl.slice(any.typeUrl.lastIndexOf("/") + 1));
  if (codec === undefined) return undefined;
  try {
    return codec.decode(any.value);
  } catch {
    // Whoever published it owns its bytes; readers of other fields must not suffer.
    return undefined;
  }
}

/** The one name that protobuf's own spelling would not give. */
const toProtoName = (key: string): string =>
  key === "mediaType" ? key : key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The fields of a generated message under their proto names, in the order of the .proto file. */
function* protoFields(message: object): Generator<readonly [name: string, value: unknown]> {
  for (const [key, value] of Object.entries(message)) {
    if (key !== "_unknownFields") yield [toProtoName(key), value];
  }
}

const isMessage = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

const isAny = (value: object): value is Any => "typeUrl" in value;

const isTimestamp = (value: object): value is { seconds: bigint; nanos: number } => "nanos" in value;

/** What a filter sees at this path: strings that are not empty, labels, and `true` or `false`. */
function fieldOf(message: object, path: readonly string[]): string | undefined {
  const [name, ...rest] = path;
  for (const [field, value] of protoFields(message)) {
    if (field !== name) continue;
    if (typeof value === "string") return value === "" ? undefined : value;
    if (typeof value === "boolean") return String(value);
    if (value instanceof Map) return value.get(rest.join("."));
    return isMessage(value) && !isAny(value) ? fieldOf(value, rest) : undefined;
  }
  return undefined;
}

/**
 * The fields of an event for a filter: `namespace`, `topic` and `event.<proto field>…`. The payload is decoded when first asked
 * for, and a damaged one is absent. Numbers, times and lists are never visible.
 */
export function eventAdaptor(envelope: EventEnvelope): Adaptor {
  let payload: object | undefined;
  let isDecoded = false;
  return ([field, ...path]) => {
    if (field === "namespace") return envelope.namespace === "" ? undefined : envelope.namespace;
    if (field === "topic") return envelope.topic === "" ? undefined : envelope.topic;
    if (field !== "event" || envelope.event === undefined) return undefined;
    if (!isDecoded) {
      payload = decodePayload(envelope.event);
      isDecoded = true;
    }
    return payload && fieldOf(payload, path);
  };
}

/**
 * The payload as `ctr events` shows it: proto field names, empty fields left out, times always there and in RFC 3339, bytes in
 * base64, label keys in order. 64-bit integers are numbers where they fit and bigint where not.
 * @returns undefined for a type that is not known here, or bytes that are no such message.
 */
export function decodeEvent(any: Any): Record<string, unknown> | undefined {
  const payload = decodePayload(any);
  return payload && toPlain(payload);
}

function toPlain(message: object): Record<string, unknown> {
  const entries: [string, unknown][] = [];
  for (const [name, value] of protoFields(message)) {
    // An unset time is shown as Go's zero time, the way containerd's types print.
    const plain = name.endsWith("_at") && value === undefined ? formatTime(undefined) : plainValue(value);
    if (plain !== undefined) entries.push([name, plain]);
  }
  return Object.fromEntries(entries);
}

/** undefined for what JSON leaves out. */
function plainValue(value: unknown): unknown {
  if (value instanceof Map) return value.size === 0 ? undefined : Object.fromEntries([...value].sort(byKey));
  if (value instanceof Uint8Array) return value.length === 0 ? undefined : Buffer.from(value).toString("base64");
  if (Array.isArray(value)) {
    return value.length === 0 ? undefined : value.map((item) => (isMessage(item) ? toPlain(item) : item));
  }
  if (typeof value === "bigint") return value === 0n ? undefined : smallest(value);
  if (isMessage(value)) {
    return isTimestamp(value) ? timeText(value) : toPlain(value);
  }
  return value === "" || value === 0 || value === false ? undefined : value;
}

/** A time that no calendar has is left out. */
function timeText(value: { readonly seconds: bigint; readonly nanos: number }): string | undefined {
  try {
    return formatTime(fromTimestamp({ ...value }));
  } catch {
    return undefined;
  }
}

const byKey = ([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number =>
  Buffer.compare(Buffer.from(left), Buffer.from(right));

const smallest = (value: bigint): number | bigint => (BigInt.asIntN(53, value) === value ? Number(value) : value);
