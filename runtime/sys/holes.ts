// Where a file has data and where it has holes.
import { constants } from "node:os";
import { systemError, tryCall } from "./libc.js";

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** The next piece of data at or after `position`, in bytes; undefined when only a hole follows. @throws an Error with an errno code. */
export function dataRangeFrom(
  fd: number,
  position: number,
): { readonly start: number; readonly end: number } | undefined {
  const start = tryCall("lseek", fd, position, SEEK_DATA);
  if (start === -constants.errno.ENXIO) return undefined;
  if (start < 0) throw systemError("lseek", -start);
  const end = tryCall("lseek", fd, start, SEEK_HOLE);
  if (end < 0) throw systemError("lseek", -end);
  return { start, end };
}
