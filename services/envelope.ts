// Forwarded envelopes, as clients send them over gRPC and shims over ttrpc.
import { invalidArgument } from "../api/core/errors.js";
import type { EventEnvelope } from "../api/core/event.js";
import { fromTimestamp, ZERO_TIME_SECONDS } from "../api/core/time.js";
import type { Timestamp } from "../api/gen/google/protobuf/timestamp.js";
import type { Envelope } from "../api/gen/types/event.js";

/** 9999-12-31T23:59:59Z, the last second of a Timestamp. */
const LAST_SECOND = 253_402_300_799n;

/** @throws invalid_argument for a missing part; topic and namespace are the ledger's to check. */
export function fromForwardedEnvelope(envelope: Envelope | undefined): EventEnvelope {
  if (envelope === undefined) throw invalidArgument("envelope must be set");
  const { namespace, topic, event, timestamp } = envelope;
  if (timestamp !== undefined && !isValid(timestamp))
    throw invalidArgument("timestamp of forwarded event out of range");
  const timestampNs = fromTimestamp(timestamp);
  if (timestampNs === undefined) throw invalidArgument("timestamp must be set on forwarded event");
  if (event === undefined) throw invalidArgument("event must be set");
  return { timestampNs, namespace, topic, event };
}

/** Clients give up on the whole message when a time is outside the range of google.protobuf.Timestamp. */
const isValid = ({ seconds, nanos }: Timestamp): boolean =>
  seconds >= ZERO_TIME_SECONDS && seconds <= LAST_SECOND && nanos >= 0 && nanos < 1_000_000_000;
