// What node:fs cannot do to a file: make device nodes, and set times to the nanosecond. A symbolic link is never followed.
import { pathBytes, systemError, tryCall } from "./libc.js";

const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
const NANOS_PER_SECOND = 1_000_000_000n;
const TIMESPECS_BYTES = 32;

/**
 * Makes a special file.
 * @param mode type and permissions, as `stat` has them; the process's umask applies to the permissions.
 * @param device as `stat` has it in `rdev`; 0 for FIFOs and sockets.
 * @throws an Error with an errno code: EEXIST, EPERM for devices without root, …
 */
export function makeNode(path: string | Buffer, mode: number, device: number): void {
  const result = tryCall("mknod", pathBytes("mknod", path), mode, device);
  if (result < 0) throw systemError("mknod", -result, path.toString());
}

function writeTimespec(target: Buffer, offset: number, timeNs: bigint): void {
  const nanos = ((timeNs % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND;
  target.writeBigInt64LE((timeNs - nanos) / NANOS_PER_SECOND, offset);
  target.writeBigInt64LE(nanos, offset + 8);
}

/** Sets both times, in nanoseconds since 1970. @throws an Error with an errno code. */
export function setTimes(path: string | Buffer, accessedNs: bigint, modifiedNs: bigint): void {
  const times = Buffer.alloc(TIMESPECS_BYTES);
  writeTimespec(times, 0, accessedNs);
  writeTimespec(times, 16, modifiedNs);
  const result = tryCall("utimensat", AT_FDCWD, pathBytes("utimensat", path), times, AT_SYMLINK_NOFOLLOW);
  if (result < 0) throw systemError("utimensat", -result, path.toString());
}
