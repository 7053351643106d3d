// Room in a file system for a file's contents, taken before anything is written.
import { systemError, tryCall } from "./libc.js";

/**
 * Makes the open file `sizeBytes` long, with blocks of its own for all of it.
 * @throws an Error with an errno code: ENOSPC, EOPNOTSUPP where the file system cannot, …
 */
export function allocateFile(fd: number, sizeBytes: number): void {
  const result = tryCall("fallocate", fd, 0, 0, sizeBytes);
  if (result < 0) throw systemError("fallocate", -result);
}
