// Why a process ended, in words: from what is known of it, and no further.
import { constants } from "node:os";
import type { ExitRecord } from "../../../api/core/exit-record.js";

const SIGNAL_BASE = 128;
const LAST_SIGNAL = 64;

/** `SIGKILL`; `signal 34` for one without a name. */
export function signalName(signal: number): string {
  const found = Object.entries(constants.signals).find(([, number]) => number === signal);
  return found?.[0] ?? `signal ${signal}`;
}

type Why = Pick<ExitRecord, "exitStatus" | "signal" | "isOutOfMemory" | "requested" | "message">;

/** One line: `exit 1`, `SIGKILL by uid 0 (berth stop, pid 12)`, `out of memory`, `exit 0 after SIGTERM by …`, `unknown: shim disconnected`. */
export function whyItEnded(record: Why): string {
  const { exitStatus, signal, isOutOfMemory, requested, message } = record;
  const note = message === "" ? "" : `: ${message}`;
  if (exitStatus === undefined) return `unknown${note}`;
  if (isOutOfMemory && signal !== undefined) return "out of memory";
  const asked = requested === undefined ? "" : ` by ${whoAsked(requested)}`;
  const memory = isOutOfMemory ? ", some of it killed for want of memory" : "";
  if (signal !== undefined && signal === requested?.signal) return `${signalName(signal)}${asked}${memory}`;
  const end = signal === undefined ? exitWords(exitStatus) : signalName(signal);
  const after = requested === undefined ? "" : ` after ${signalName(requested.signal)}${asked}`;
  return `${end}${after}${memory}${note}`;
}

/** `uid 0 (berth stop, pid 12)`; the daemon itself goes by its name. */
export function whoAsked({ uid, pid, by }: NonNullable<ExitRecord["requested"]>): string {
  if (pid === 0) return by === "" ? "the daemon" : by;
  return `uid ${uid} (${by === "" ? "" : `${by}, `}pid ${pid})`;
}

/** A shell that passes on how its child ended has the same status as what a signal has ended. */
function exitWords(exitStatus: number): string {
  const signal = exitStatus - SIGNAL_BASE;
  return signal > 0 && signal <= LAST_SIGNAL ? `exit ${exitStatus} (${signalName(signal)}?)` : `exit ${exitStatus}`;
}
