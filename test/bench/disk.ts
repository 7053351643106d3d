// What a sync costs on the disk under test; every write figure depends on it.
import { open } from "node:fs/promises";
import { join } from "node:path";
import { median, timeMs } from "./measure.js";

const SYNCS = 50;

/** Median milliseconds of write and fdatasync of 4 KiB. */
export async function syncLatencyMs(dir: string): Promise<number> {
  const file = await open(join(dir, "sync"), "w");
  try {
    const block = Buffer.alloc(4096, 1);
    const times: number[] = [];
    for (let index = 0; index < SYNCS; index += 1) {
      await file.write(block);
      times.push(await timeMs(() => file.datasync()));
    }
    return median(times);
  } finally {
    await file.close();
  }
}
