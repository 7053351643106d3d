// Times: bigint nanoseconds since 1970 in code, seconds and nanos on the wire. An unset time travels as Go's zero time.
// @source containerd protobuf/timestamp.go; observed on containerd 1.6.20
import { Timestamp } from "../gen/google/protobuf/timestamp.js";

const NANOS = 1_000_000_000n;
/** Go's time.Time{}: 0001-01-01T00:00:00Z. */
export const ZERO_TIME_SECONDS = -62_135_596_800n;

/** Reads the wall clock, in nanoseconds since 1970. Handed in, so that tests can hold it. */
export type Clock = () => bigint;

/** A clock with the resolution of the monotonic one, set by the wall clock at each call. */
export const systemClock: Clock = () => {
  const micros = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000));
  return micros * 1000n + (process.hrtime.bigint() % 1000n);
};

/** undefined becomes Go's zero time, as containerd sends it. */
export function toTimestamp(timeNs: bigint | undefined): Timestamp {
  if (timeNs === undefined) return Timestamp.fromPartial({ seconds: ZERO_TIME_SECONDS, nanos: 0 });
  const nanos = ((timeNs % NANOS) + NANOS) % NANOS;
  return Timestamp.fromPartial({ seconds: (timeNs - nanos) / NANOS, nanos: Number(nanos) });
}

/** An absent timestamp and Go's zero time are both undefined. */
export function fromTimestamp(timestamp: Timestamp | undefined): bigint | undefined {
  if (timestamp === undefined || (timestamp.seconds === ZERO_TIME_SECONDS && timestamp.nanos === 0)) return undefined;
  return timestamp.seconds * NANOS + BigInt(timestamp.nanos);
}

/** RFC 3339 with nanoseconds, as Go's RFC3339Nano prints it (trailing zeros cut), in UTC. */
export function formatTime(timeNs: bigint | undefined): string {
  const { seconds, nanos } = toTimestamp(timeNs);
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const fraction = nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
  return `${whole}${fraction}Z`;
}
