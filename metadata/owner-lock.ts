// One owner of the store's folder: a lock file of our own under flock, which the kernel lets go when its holder dies. It also
// holds between two opens in one process. The file says who holds it, for whoever comes second.
import { closeSync, constants, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { failedPrecondition } from "../api/core/errors.js";
import { hasCode } from "../runtime/sys/errno.js";
import { tryLockFile } from "../runtime/sys/flock.js";

const LOCK_FILE = "owner.lock";

/** Field 22 of /proc/<pid>/stat: clock ticks from boot to the start of this process; with the pid it names one process. */
function ownStartTicks(): string {
  const stat = readFileSync("/proc/self/stat", "utf8");
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
}

function readHolder(path: string): string {
  const pid = /^pid (\d+)$/m.exec(readFileSync(path, "utf8"))?.[1];
  return pid === undefined ? "another process" : `process ${pid}`;
}

/** Over what stood there before, which takes no new room: a full disk must not keep a daemon from starting. */
function writeHolder(fd: number): void {
  const holder = `pid ${process.pid}\nstart ${ownStartTicks()}\n`;
  try {
    ftruncateSync(fd, writeSync(fd, holder, 0));
  } catch (error) {
    if (!hasCode(error, "ENOSPC")) throw error;
  }
}

/** Takes the folder, or says who has it; `what` names it in that message. Dispose to give it back. @throws failed_precondition. */
export function lockFolder(folder: string, what = "metadata store"): Disposable {
  const path = join(folder, LOCK_FILE);
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  try {
    if (!tryLockFile(fd)) {
      throw failedPrecondition(`${what} ${folder} is in use by ${readHolder(path)}`);
    }
    writeHolder(fd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  let held = true;
  return {
    [Symbol.dispose]() {
      if (held) closeSync(fd);
      held = false;
    },
  };
}
