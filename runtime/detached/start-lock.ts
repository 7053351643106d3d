// One start at a time for each socket: a lock on a file beside it. The file goes with its holder, and whoever waited for it looks
// whether it is still the one that is named.
import { closeSync, fstatSync, openSync, statSync, unlinkSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { ContainerdError } from "../../api/core/errors.js";
import { tryLockFile } from "../sys/flock.js";

const LOOK_MS = 10;

/** Disposing lets the next one in. @throws deadline_exceeded when others take too long. */
export async function lockStart(socketPath: string, timeoutMs: number): Promise<Disposable> {
  const path = `${socketPath}.lock`;
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const fd = openSync(path, "a", 0o600);
    if (tryLockFile(fd) && isNamed(fd, path)) return { [Symbol.dispose]: () => unlock(fd, path) };
    closeSync(fd);
    if (performance.now() > deadlineMs) {
      throw new ContainerdError("deadline_exceeded", `another start of the program at ${socketPath} does not end`);
    }
    await delay(LOOK_MS);
  }
}

function isNamed(fd: number, path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino;
}

function unlock(fd: number, path: string): void {
  unlinkSync(path);
  closeSync(fd);
}
