// Moving what is in a pipe into a file inside the kernel: what has left the pipe is in the file, even if this process is killed in between.
import { constants } from "node:os";
import { systemError, tryCall } from "./libc.js";

const SPLICE_F_NONBLOCK = 2;
const F_SETPIPE_SZ = 1031;
const { EAGAIN, EINTR } = constants.errno;

/**
 * Moves at most `size` bytes to a place in the file, which was not opened to append. Does not wait.
 * @returns how many; 0 at the end; undefined when there is nothing now. @throws an Error with an errno code: ENOSPC, …
 */
export function moveToFile(pipe: number, file: number, offset: number, size: number): number | undefined {
  const place = BigInt64Array.of(BigInt(offset));
  const result = tryCall("splice", pipe, null, file, place, size, SPLICE_F_NONBLOCK);
  if (result === -EAGAIN || result === -EINTR) return undefined;
  if (result < 0) throw systemError("splice", -result);
  return result;
}

/** Gives a pipe more room, if that is allowed: fewer and larger pieces for who is fast. */
export function widenPipe(pipe: number, bytes: number): void {
  tryCall("fcntl", pipe, F_SETPIPE_SZ, bytes);
}
