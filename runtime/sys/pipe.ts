// Pipes between processes that we start ourselves.
import { systemError, tryCall } from "./libc.js";

const O_CLOEXEC = 0o2000000;
const F_DUPFD_CLOEXEC = 1030;

/** Makes a pipe; both ends are blocking and not inherited. @throws an Error with an errno code: EMFILE, … */
export function makePipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Int32Array(2);
  const result = tryCall("pipe2", ends, O_CLOEXEC);
  if (result < 0) throw systemError("pipe2", -result);
  const [readEnd = -1, writeEnd = -1] = ends;
  return { readEnd, writeEnd };
}

/** Another descriptor of the same open file, not inherited. @throws an Error with an errno code: EBADF, EMFILE. */
export function duplicate(fd: number): number {
  const result = tryCall("fcntl", fd, F_DUPFD_CLOEXEC, 0);
  if (result < 0) throw systemError("fcntl", -result);
  return result;
}
