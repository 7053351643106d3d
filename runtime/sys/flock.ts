// Whole-file locks between processes. The kernel lets go of one when its last descriptor closes, also after a crash.
import { constants } from "node:os";
import { systemError, tryCall } from "./libc.js";

const LOCK_EX = 2;
const LOCK_NB = 4;

/**
 * Takes the exclusive lock on the open file, without waiting.
 * @returns false when somebody else holds it, also through another descriptor of this process.
 * @throws an Error with an errno code for anything else (EBADF, …).
 */
export function tryLockFile(fd: number): boolean {
  const result = tryCall("flock", fd, LOCK_EX | LOCK_NB);
  if (result >= 0) return true;
  if (-result === constants.errno.EWOULDBLOCK) return false;
  throw systemError("flock", -result);
}
