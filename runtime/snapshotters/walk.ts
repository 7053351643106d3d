// Walking a tree of files. Names are bytes, since Linux asks no more of them; a link is never followed. Other work of this process
// runs meanwhile, and only so many calls are under way at once.
import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { hasCode } from "../sys/errno.js";

const AT_ONCE = 16;
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

/** undefined for what is gone meanwhile. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  }
}

/** Visits `root` and everything below it, in no order; what goes away while it walks is passed over. */
export async function walk(root: string, visit: (stats: BigIntStats) => void): Promise<void> {
  let folders: Buffer[] = [];
  const look = async (path: Buffer): Promise<void> => {
    const stats = await unlessGone(lstat(path, { bigint: true }));
    if (stats === undefined) return;
    visit(stats);
    if (stats.isDirectory()) folders.push(path);
  };
  await look(Buffer.from(root));
  while (folders.length > 0) {
    const level = folders;
    folders = [];
    for (const folder of level) {
      const names = (await unlessGone(readdir(folder, { encoding: "buffer" }))) ?? [];
      await forEachOf(names, (name) => look(inside(folder, name)));
    }
  }
}
