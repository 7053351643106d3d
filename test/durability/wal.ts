// The WAL of a traced daemon: when each change was committed, and which syncs covered it.
import { type Fact, factsIn } from "./load.js";
import type { Syscall } from "./strace.js";

export const WRITE = "pwrite64";
export const SYNCS = new Set(["fsync", "fdatasync"]);
const FRAME_HEADER_BYTES = 24;
/** In a frame's header: how many pages the database has after this commit; 0 in all but the last frame of a transaction. */
const COMMIT_SIZE_OFFSET = 4;

/** For each fact the position at which the commit that brought it had been written, though not yet synced. */
export function commitsOf(syscalls: readonly Syscall[], walPath: string): Map<Fact, number> {
  const commits = new Map<Fact, number>();
  let uncommitted: Fact[] = [];
  let isCommit = false;
  for (const { name, target, data, end } of syscalls) {
    if (name !== WRITE || target !== walPath) continue;
    if (data.length === FRAME_HEADER_BYTES) {
      isCommit = data.readUInt32BE(COMMIT_SIZE_OFFSET) !== 0;
      continue;
    }
    uncommitted.push(...factsIn(data));
    if (!isCommit) continue;
    for (const fact of uncommitted) if (!commits.has(fact)) commits.set(fact, end);
    uncommitted = [];
    isCommit = false;
  }
  return commits;
}

/** The position at which the first sync that began behind `position` had ended well; infinite without one. */
export function syncedAt(syscalls: readonly Syscall[], walPath: string, position: number): number {
  const ends = syscalls
    .filter(
      ({ name, target, begin, result }) => SYNCS.has(name) && target === walPath && begin > position && result === 0,
    )
    .map(({ end }) => end);
  return Math.min(Number.POSITIVE_INFINITY, ...ends);
}
