// Walking a tree of files. Names are bytes, since Linux asks no more of them; a link is never followed. Other work of this process
// runs meanwhile, and only so many calls are under way at once.
import { type BigIntStats, lstatSync, readdirSync } from "node:fs";
import { hasCode } from "../sys/errno.js";

const AT_ONCE = 16;
const SLICE_MS = 2;
const SLASH = Buffer.from("/");

/** A path one level deeper. */
export const inside = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, SLASH, name]);

/** Runs `work` for each item, several at once. Rejects with the first failure, when all that runs has ended. */
export async function forEachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const one = async (): Promise<void> => {
    try {
      for (let item = items[next++]; item !== undefined && !failed; item = items[next++]) await work(item);
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const ends = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, one));
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

/** Gone meanwhile is nothing there. */
function unlessGone<T>(look: () => T, nothing: T): T {
  try {
    return look();
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return nothing;
    throw error;
  }
}

/**
 * Visits `root` and everything below it, in no order; what goes away while it walks is passed over. The calls are synchronous, in
 * short slices: a look at what the kernel knows takes microseconds, and its way through the thread pool ten times as long.
 */
export async function walk(root: string, visit: (stats: BigIntStats) => void): Promise<void> {
  const folders: Buffer[] = [];
  const look = (path: Buffer): void => {
    const stats = unlessGone(() => lstatSync(path, { bigint: true, throwIfNoEntry: false }), undefined);
    if (stats === undefined) return;
    visit(stats);
    if (stats.isDirectory()) folders.push(path);
  };
  look(Buffer.from(root));
  let sliceEnd = performance.now() + SLICE_MS;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const path = folder;
    for (const name of unlessGone(() => readdirSync(path, { encoding: "buffer" }), [])) {
      look(inside(path, name));
      if (performance.now() < sliceEnd) continue;
      await new Promise<void>((resolve) => setImmediate(resolve));
      sliceEnd = performance.now() + SLICE_MS;
    }
  }
}
