// Events between their envelope and their row. The row keeps the encoded envelope, made once and sent to every subscriber.
import type { EventEnvelope, LedgerEvent } from "../api/core/event.js";
import { fromTimestamp, toTimestamp } from "../api/core/time.js";
import { Envelope } from "../api/gen/types/event.js";
import type { Reader, Writer } from "./statements.js";

/** Where an event is written: the transaction of its change. */
export interface EventWriter extends Writer {
  readonly nowNs: bigint;
  readonly revision: number;
}

interface EventRow {
  readonly seq: number;
  readonly envelope: Uint8Array;
}

const INSERT = `INSERT INTO events (namespace, topic, time_seconds, time_nanos, written_seconds, revision, envelope)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;
const PAGE = "SELECT seq, envelope FROM events WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?";
const FIRST_SEQ = "SELECT min(seq) AS seq FROM events";
const LAST_SEQ = "SELECT seq FROM sqlite_sequence WHERE name = 'events'";

const WRITTEN = "SELECT written_seconds AS seconds FROM events WHERE seq = ?";

const PAGE_BYTES = 1024 * 1024;

/** An envelope without a time travels as 1970, as containerd's does. */
export function encodeEnvelope(envelope: EventEnvelope): Uint8Array {
  return Envelope.encode({
    timestamp: toTimestamp(envelope.timestampNs ?? 0n),
    namespace: envelope.namespace,
    topic: envelope.topic,
    event: envelope.event,
  }).finish();
}

/** Writes one event in the caller's transaction. */
export function insertEvent(tx: EventWriter, envelope: EventEnvelope): LedgerEvent {
  const encoded = encodeEnvelope(envelope);
  const time = toTimestamp(envelope.timestampNs ?? 0n);
  const { lastInsertRowid } = tx.run(
    INSERT,
    envelope.namespace,
    envelope.topic,
    time.seconds,
    time.nanos,
    tx.nowNs / 1_000_000_000n,
    tx.revision,
    encoded,
  );
  return { ...envelope, timestampNs: envelope.timestampNs ?? 0n, seq: BigInt(lastInsertRowid), encoded };
}

/** Up to `limit` events behind `after`, none behind `upTo`; fewer when they are large. */
export function readEvents(reader: Reader, after: bigint, upTo: bigint, limit: number): LedgerEvent[] {
  const events: LedgerEvent[] = [];
  let sizeBytes = 0;
  reader.each<EventRow>(PAGE, [after, upTo, limit], ({ seq, envelope: encoded }) => {
    const { timestamp, namespace, topic, event } = Envelope.decode(encoded);
    events.push({ seq: BigInt(seq), timestampNs: fromTimestamp(timestamp), namespace, topic, event, encoded });
    sizeBytes += encoded.length;
    return sizeBytes < PAGE_BYTES;
  });
  return events;
}

/** The first event still kept (the next to come when there is none) and the last one ever written (0 when none was). */
export function ledgerBounds(reader: Reader): { readonly first: bigint; readonly last: bigint } {
  const last = BigInt(reader.get<{ seq: number }>(LAST_SEQ)?.seq ?? 0);
  const first = reader.get<{ seq: number | null }>(FIRST_SEQ)?.seq ?? undefined;
  return { first: first === undefined ? last + 1n : BigInt(first), last };
}

/**
 * A position behind which every event lies that was written at this time or later, and few others: rows are in the order of their
 * writing, without holes.
 */
export function positionAt(
  reader: Reader,
  { first, last }: { readonly first: bigint; readonly last: bigint },
  timeNs: bigint,
): bigint {
  const seconds = timeNs / 1_000_000_000n;
  let [low, high] = [first, last + 1n];
  while (low < high) {
    const middle = (low + high) / 2n;
    const written = reader.get<{ seconds: number }>(WRITTEN, middle)?.seconds ?? 0;
    if (BigInt(written) < seconds) low = middle + 1n;
    else high = middle;
  }
  return low - 1n;
}
