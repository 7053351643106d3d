// Writing to a file that cannot be replaced, as something is mounted on it.
import { constants, ftruncateSync, readSync, writeSync } from "node:fs";
import { check, closeFd, openAt, readable, statFd } from "../../../runtime/sys/at.js";
import type { Folder } from "../../../runtime/sys/trees/folder-tree.js";
import { failedPrecondition } from "../../core/errors.js";

const { O_NONBLOCK, O_WRONLY, S_IFMT, S_IFREG } = constants;
const CHUNK_BYTES = 256 * 1024;

/** Makes the file that is there hold what `source` holds. @throws failed_precondition for anything but a file; an Error with an errno code. */
export function writeInPlace(source: number, folder: Folder, base: string): void {
  const where = folder.path + base;
  const fd = check(openAt(folder.fd, base, O_WRONLY | O_NONBLOCK), "open", where);
  try {
    const status = statFd(fd);
    if (typeof status === "number" || (status.mode & S_IFMT) !== S_IFREG)
      throw failedPrecondition(`/${readable(where)} is a mount point and no file`);
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
    let position = 0;
    for (;;) {
      const count = readSync(source, buffer, 0, buffer.length, position);
      if (count === 0) break;
      for (let done = 0; done < count; ) done += writeSync(fd, buffer, done, count - done, position + done);
      position += count;
    }
    ftruncateSync(fd, position);
  } finally {
    closeFd(fd);
  }
}
