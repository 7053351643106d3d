// Reading a container's log: which of its lines, from where to where, and those that come.
import { type FSWatcher, watch } from "node:fs";
import type { LogBatch, LogEntry, ReadLogOptions } from "../../api/core/task-log.js";
import type { Clock } from "../../api/core/time.js";
import { LogReader, lastNumber } from "./log-reader.js";
import { listSegments } from "./places.js";

/** How often is looked without having been told. */
const LOOK_MS = 500;

export interface ReadLog extends ReadLogOptions {
  readonly folder: string;
  readonly signal?: AbortSignal | undefined;
  readonly clock: Clock;
  /** Whether nothing will be written there any more: asked by a follower that has read all. */
  readonly isOver: () => Promise<boolean>;
}

/** The lines that are asked for, oldest first. */
export async function* readLog(options: ReadLog): AsyncGenerator<LogBatch> {
  const { folder, signal, sinceNs, untilNs, follow = false, clock } = options;
  const isWanted = wanted(options);
  const after = await startOf(options, isWanted);
  await using reader = await LogReader.open(folder, after, sinceNs);
  using news = follow ? new FolderNews(folder) : undefined;
  let isOver = false;
  for (;;) {
    signal?.throwIfAborted();
    // Asked before the last look: what was written until then is found by it.
    const isLast = isOver || (untilNs !== undefined && clock() >= untilNs);
    const seen = news?.count;
    const batch = await reader.next();
    if (batch !== undefined) {
      const late = untilNs === undefined ? -1 : batch.lines.findIndex(({ timeNs }) => timeNs >= untilNs);
      const lines = (late < 0 ? batch.lines : batch.lines.slice(0, late)).filter(isWanted);
      if (lines.length > 0 || batch.lostBefore !== undefined) yield { lines, lostBefore: batch.lostBefore };
      if (late >= 0) return;
      continue;
    }
    if (news === undefined || isLast) return;
    await news.wait(seen ?? 0, signal);
    if (news.isQuiet) isOver = await options.isOver();
  }
}

/** The last lines of one attempt, oldest first; of the newest for undefined. */
export async function readLastLines(folder: string, attempt: number | undefined, count: number): Promise<LogEntry[]> {
  const which = attempt ?? listSegments(folder).at(-1)?.attempt;
  return await lastOf(folder, count, (line) => line.attempt === which);
}

const wanted = ({ streams = [] }: ReadLogOptions): ((line: LogEntry) => boolean) =>
  streams.length === 0 ? () => true : ({ stream }) => streams.includes(stream);

/** The number behind which to begin. */
async function startOf(
  { folder, after = 0n, tail, sinceNs, untilNs }: ReadLog,
  isWanted: (line: LogEntry) => boolean,
): Promise<bigint> {
  if (tail === undefined) return after;
  const isInRange = (line: LogEntry): boolean =>
    isWanted(line) &&
    line.number > after &&
    (sinceNs === undefined || line.timeNs >= sinceNs) &&
    (untilNs === undefined || line.timeNs < untilNs);
  const last = await lastNumber(folder);
  if (tail === 0n) return last > after ? last : after;
  const [first] = await lastOf(folder, Number(tail), isInRange);
  return first === undefined ? (last > after ? last : after) : first.number - 1n;
}

/** The last lines of which this is true: looked for further and further from the end. */
async function lastOf(folder: string, count: number, isMeant: (line: LogEntry) => boolean): Promise<LogEntry[]> {
  const last = await lastNumber(folder);
  for (let behind = BigInt(count); ; behind *= 8n) {
    const after = behind >= last ? 0n : last - behind;
    const found: LogEntry[] = [];
    await using reader = await LogReader.open(folder, after);
    for (let batch = await reader.next(); batch !== undefined; batch = await reader.next()) {
      found.push(...batch.lines.filter(isMeant));
      // No more than are asked for are held.
      if (found.length > count) found.splice(0, found.length - count);
    }
    if (found.length === count || after === 0n) return found;
  }
}

/** Tells when something happens in a folder, also in one that comes later. */
class FolderNews implements Disposable {
  count = 0;
  /** Whether the last waiting ended without news. */
  isQuiet = false;
  readonly #folder: string;
  #watcher: FSWatcher | undefined;
  #wake: () => void = () => {};

  constructor(folder: string) {
    this.#folder = folder;
    this.#watch();
  }

  /** Resolves at news behind that count, and after half a second without. */
  async wait(seen: number, signal: AbortSignal | undefined): Promise<void> {
    this.isQuiet = false;
    if (this.count > seen) return;
    if (this.#watcher === undefined) this.#watch();
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.isQuiet = true;
        this.#wake();
      }, LOOK_MS);
      const stop = (): void => this.#wake();
      this.#wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
        resolve();
      };
      signal?.addEventListener("abort", stop, { once: true });
      if (signal?.aborted === true) stop();
    });
  }

  [Symbol.dispose](): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #watch(): void {
    try {
      const watcher = watch(this.#folder, { persistent: false }, () => {
        this.count += 1;
        this.#wake();
      });
      // The folder has gone, or there are too many watches: what remains is looking now and then.
      watcher.on("error", () => this[Symbol.dispose]());
      this.#watcher = watcher;
    } catch {
      this.#watcher = undefined;
    }
  }
}
