// Times: bigint nanoseconds since 1970 in code, seconds and nanos on the wire. An unset time travels as Go's zero time.
// @source containerd protobuf/timestamp.go; observed on containerd 1.6.20
import { Timestamp } from "../gen/google/protobuf/timestamp.js";

const NANOS = 1_000_000_000n;
/** Go's time.Time{}: 0001-01-01T00:00:00Z. */
export const ZERO_TIME_SECONDS = -62_135_596_800n;

/** Reads the wall clock, in nanoseconds since 1970. Handed in, so that tests can hold it. */
export type Clock = () => bigint;

const DRIFT_LIMIT_MS = 2;

/**
 * The wall clock with the resolution of the monotonic one. Node's own origin of the monotonic clock is fixed when the process
 * starts, so the two are compared at each call: after the clock was set, or the machine slept, the wall clock is right.
 * @param wallMs whole milliseconds since 1970. @param monotonicMs milliseconds since any moment, with a fraction.
 */
export function createClock(wallMs: () => number, monotonicMs: () => number): Clock {
  let offsetMs: number | undefined;
  return () => {
    const [wall, monotonic] = [wallMs(), monotonicMs()];
    // The wall's time is cut to whole milliseconds: an offset that near is as good as the true one, and keeps time steady.
    if (offsetMs === undefined || Math.abs(wall - monotonic - offsetMs) > DRIFT_LIMIT_MS) offsetMs = wall - monotonic;
    return BigInt(Math.round((monotonic + offsetMs) * 1_000_000));
  };
}

/** The clock of this machine. */
export const systemClock: Clock = createClock(Date.now, () => performance.now());

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
