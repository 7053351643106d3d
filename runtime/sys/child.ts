// The end of child processes, also of those that others left behind, and the limits of a process.
import { endianness } from "node:os";
import { systemError, tryCall } from "./libc.js";

const WNOHANG = 1;
const PR_SET_CHILD_SUBREAPER = 36;
const ECHILD = 10;
const SIGNAL_MASK = 0x7f;
const SIGNAL_BASE = 128;
/** Nobody can tell. */
export const UNKNOWN_EXIT = 255;

/**
 * Takes note of the end of a child, if it has ended; never waits. Not for children of `node:child_process`, which Node reaps.
 * @returns its exit code, or 128 + the signal's number; {@link UNKNOWN_EXIT} when somebody else has reaped it; undefined while it lives.
 */
export function reapChild(pid: number): number | undefined {
  const status = [0];
  const result = tryCall("waitpid", pid, status, WNOHANG);
  if (result === 0) return undefined;
  if (result === -ECHILD) return UNKNOWN_EXIT;
  if (result < 0) throw systemError("waitpid", -result);
  const word = status[0] ?? 0;
  const signalNumber = word & SIGNAL_MASK;
  return signalNumber === 0 ? (word >> 8) & 0xff : SIGNAL_BASE + signalNumber;
}

/** From now on the orphans among the descendants of this process become its children. @throws an Error with an errno code. */
export function becomeSubreaper(): void {
  const result = tryCall("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  if (result < 0) throw systemError("prctl", -result);
}

/**
 * Sets a resource limit of a process. `resource` is the kernel's number.
 * @throws an Error with an errno code: EPERM for what only CAP_SYS_RESOURCE may do, EINVAL for soft above hard, ESRCH.
 */
export function setResourceLimit(pid: number, resource: number, soft: bigint, hard: bigint): void {
  const wanted = Buffer.alloc(16);
  const view = new DataView(wanted.buffer, wanted.byteOffset, wanted.length);
  const little = endianness() === "LE";
  view.setBigUint64(0, soft, little);
  view.setBigUint64(8, hard, little);
  const result = tryCall("prlimit", pid, resource, wanted, null);
  if (result < 0) throw systemError("prlimit", -result);
}
