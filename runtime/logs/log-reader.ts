// One reader's place in a container's log. It opens segments when they appear, so that rotation takes nothing from a reader who is slow.
import type { LogBatch, LogEntry } from "../../api/core/task-log.js";
import { listSegments, type Segment } from "./places.js";
import { SegmentFile } from "./segment-file.js";

/** So many are held open at most; a reader who is further behind loses what is removed. */
const MOST_OPEN = 256;

/** Disposing closes what is open. */
export class LogReader implements AsyncDisposable {
  readonly #folder: string;
  /** The one that is read, and those behind it. */
  readonly #open: SegmentFile[] = [];
  /** Of the last segment that was opened. */
  #newest: Pick<Segment, "first" | "attempt"> | undefined;
  /** Of the last line that was read or passed over. */
  #last: bigint;
  /** Whether the next line should have the number behind that. */
  #mayMiss = false;

  /** @param after the first line that is read has a higher number. */
  private constructor(folder: string, after: bigint) {
    this.#folder = folder;
    this.#last = after;
  }

  /** Begins behind a line, and at a time. */
  static async open(folder: string, after: bigint, sinceNs?: bigint): Promise<LogReader> {
    const reader = new LogReader(folder, after);
    try {
      await reader.#begin(sinceNs);
      return reader;
    } catch (error) {
      await reader[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The lines that come next, as many as are read at once; undefined when there are no more now. */
  async next(): Promise<LogBatch | undefined> {
    for (;;) {
      const mayHaveMore = this.#open.length > 1;
      const current = this.#open[0];
      const lines = (await current?.read()) ?? [];
      if (lines.length > 0) return this.#batch(lines);
      if (mayHaveMore) {
        // It was complete before it was read to its end, as the next one had been begun.
        await current?.[Symbol.asyncDispose]();
        this.#open.shift();
      } else if (!(await this.#look())) return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#open.splice(0).map((file) => file[Symbol.asyncDispose]()));
  }

  /** Without lines that were read before. */
  #batch(lines: LogEntry[]): LogBatch {
    const from = lines.findIndex(({ number }) => number > this.#last);
    if (from < 0) return { lines: [], lostBefore: undefined };
    const fresh = from === 0 ? lines : lines.slice(from);
    const [first, last] = [fresh[0], fresh.at(-1)];
    const isMissing = first !== undefined && this.#mayMiss && first.number > this.#last + 1n;
    this.#last = last?.number ?? this.#last;
    this.#mayMiss = true;
    return { lines: fresh, lostBefore: isMissing ? first?.number : undefined };
  }

  /** Opens what has appeared. @returns whether there was something. */
  async #look(): Promise<boolean> {
    const newest = this.#newest;
    const coming = listSegments(this.#folder).filter(
      ({ first, attempt }) =>
        newest === undefined || first > newest.first || (first === newest.first && attempt > newest.attempt),
    );
    let hasFound = false;
    for (const segment of coming) {
      if (this.#open.length >= MOST_OPEN) break;
      const file = await SegmentFile.open(segment);
      this.#newest = segment;
      if (file === undefined) continue;
      this.#open.push(file);
      hasFound = true;
    }
    return hasFound;
  }

  async #begin(sinceNs: bigint | undefined): Promise<void> {
    const segments = listSegments(this.#folder);
    let from = segments.findLastIndex(({ first }) => BigInt(first) <= this.#last + 1n);
    if (sinceNs !== undefined) from = Math.max(from, await lastBegunBefore(segments, sinceNs));
    this.#newest = segments[from - 1];
    await this.#look();
    const after = this.#last;
    await this.#open[0]?.skipWhile(
      ({ number, timeNs }) => number <= after || (sinceNs !== undefined && timeNs < sinceNs),
    );
    // What was passed over for its time is not missing.
    this.#mayMiss = sinceNs === undefined && after > 0n;
  }
}

/** The index of the last segment whose first line is older; -1 for none. */
async function lastBegunBefore(segments: readonly Segment[], timeNs: bigint): Promise<number> {
  for (let index = segments.length - 1; index >= 0; index -= 1) {
    const segment = segments[index];
    await using file = segment === undefined ? undefined : await SegmentFile.open(segment);
    const line = await file?.firstLine();
    if (line !== undefined && line.timeNs < timeNs) return index;
  }
  return -1;
}

/** The number of the last line of a log; 0 without any. */
export async function lastNumber(folder: string): Promise<bigint> {
  for (const segment of listSegments(folder).reverse()) {
    await using file = await SegmentFile.open(segment);
    const line = await file?.last();
    if (line !== undefined) return line.number;
  }
  return 0n;
}
