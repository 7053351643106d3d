// Writes the lines of one attempt into segments: numbered on, batched, rotated by size. Calls are synchronous: a task's output waits in
// its pipe meanwhile, which is where it should wait.
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { LogStreamName } from "../../api/core/task-log.js";
import { LINE_FEED, lineStart, lineTag, MAX_HEAD_BYTES, MAX_LINE_BYTES, parseLine } from "./line-format.js";
import { listSegments, type Segment, segmentName } from "./places.js";

const BATCH_BYTES = 256 * 1024;
const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** However small they are: those of a container that is restarted again and again. */
const MOST_SEGMENTS = 200;

export interface LogLimits {
  /** Bytes of a segment, beyond which the next one begins. */
  readonly maxSizeBytes: number;
  /** How many of that size are kept. */
  readonly maxSegments: number;
}

export interface LineWriterOptions extends LogLimits {
  /** Of the container's log. Made where it is missing. */
  readonly folder: string;
  readonly attempt: number;
  /** Lines could not be written and are lost; the next ones are tried again. */
  readonly onLost: (error: unknown) => void;
}

/** Disposing closes the segment. */
export class LineWriter implements Disposable {
  /** Raised when what was taken is not in the log: positions that were computed from it are void. */
  lostCount = 0;
  readonly #options: LineWriterOptions;
  readonly #out = Buffer.allocUnsafe(BATCH_BYTES + MAX_LINE_BYTES + MAX_HEAD_BYTES);
  #outBytes = 0;
  #outLines = 0;
  #next: number;
  #fd: number;
  #sizeBytes: number;
  #oldest: number;
  #timeNs = -1n;
  readonly #starts: Record<LogStreamName, string> = { stdout: "", stderr: "" };

  /** Goes on in the segment that an attempt has already, mended where it was cut off; else behind all others. */
  constructor(options: LineWriterOptions) {
    this.#options = options;
    mkdirSync(options.folder, { recursive: true, mode: FOLDER_MODE });
    const segments = listSegments(options.folder);
    const last = segments.at(-1);
    this.#next = last === undefined ? 1 : mend(last);
    const { attempt } = options;
    const path = last?.attempt === attempt ? last.path : join(options.folder, segmentName(this.#next, attempt));
    this.#fd = openSync(path, "a", FILE_MODE);
    this.#sizeBytes = fstatSync(this.#fd).size;
    this.#oldest = segments[0]?.first ?? this.#next;
  }

  /** That the next line will have. */
  get nextNumber(): number {
    return this.#next;
  }

  /** Of the lowest line that has not been removed. */
  get oldestNumber(): number {
    return this.#oldest;
  }

  /** Lines that are added from now on have been read then. */
  setTime(timeNs: bigint): void {
    if (timeNs === this.#timeNs) return;
    this.#timeNs = timeNs;
    this.#starts.stdout = lineStart(timeNs, "stdout");
    this.#starts.stderr = lineStart(timeNs, "stderr");
  }

  /** Bytes `from` to `to` become a line; they are in its file after {@link LineWriter.flush}. */
  add(stream: LogStreamName, isPartial: boolean, data: Buffer, from: number, to: number): void {
    const out = this.#out;
    let at = this.#outBytes;
    at += out.write(this.#starts[stream] + lineTag(this.#next, isPartial), at, "latin1");
    // For a short text a call out of JavaScript costs more than its bytes.
    at += data.copy(out, at, from, to);
    out[at] = LINE_FEED;
    this.#outBytes = at + 1;
    this.#outLines += 1;
    this.#next += 1;
    const isFull = this.#sizeBytes + this.#outBytes >= this.#options.maxSizeBytes;
    if (isFull || this.#outBytes >= BATCH_BYTES) this.flush();
    if (isFull) this.#rotate();
  }

  flush(): void {
    const [bytes, lines] = [this.#outBytes, this.#outLines];
    if (bytes === 0) return;
    this.#outBytes = 0;
    this.#outLines = 0;
    try {
      for (let at = 0; at < bytes; ) at += writeSync(this.#fd, this.#out, at, bytes - at);
      this.#sizeBytes += bytes;
    } catch (error) {
      this.#lose(lines, error);
    }
  }

  [Symbol.dispose](): void {
    this.flush();
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  /** Their numbers are given to the next lines, so that there is no hole. */
  #lose(lines: number, error: unknown): void {
    this.#next -= lines;
    this.lostCount += 1;
    try {
      ftruncateSync(this.#fd, this.#sizeBytes);
    } catch {
      // The file system is in no state to be written to. What stands there is a torn line at most.
    }
    this.#options.onLost(error);
  }

  #rotate(): void {
    const { folder, attempt, maxSizeBytes, maxSegments } = this.#options;
    try {
      const fd = openSync(join(folder, segmentName(this.#next, attempt)), "a", FILE_MODE);
      closeSync(this.#fd);
      this.#fd = fd;
      this.#sizeBytes = 0;
      this.#removeOld(maxSizeBytes * maxSegments, maxSegments);
    } catch (error) {
      // It goes on in the one that is there.
      this.#options.onLost(error);
    }
  }

  /** Sizes count, and not only how many there are: attempts that wrote little would push out what others wrote. */
  #removeOld(maxBytes: number, maxSegments: number): void {
    const segments = listSegments(this.#options.folder);
    const sizes = segments.map(({ path }) => statSync(path, { throwIfNoEntry: false })?.size ?? 0);
    let total = sizes.reduce((sum, size) => sum + size, 0);
    // The one that was just begun will have its size, too.
    const roomBytes = maxBytes - this.#options.maxSizeBytes;
    for (const [index, { path }] of segments.slice(0, -1).entries()) {
      const left = segments.length - index;
      if (left <= MOST_SEGMENTS && (left <= maxSegments || total <= roomBytes)) break;
      rmSync(path, { force: true });
      total -= sizes[index] ?? 0;
      this.#oldest = segments[index + 1]?.first ?? this.#oldest;
    }
  }
}

/** Cuts off what is no whole line. @returns the number of the line that comes next. */
function mend({ path, first }: Segment): number {
  const fd = openSync(path, "r+");
  try {
    const { size } = fstatSync(fd);
    const tail = Buffer.alloc(Math.min(size, 2 * (MAX_LINE_BYTES + MAX_HEAD_BYTES)));
    const start = size - tail.length;
    for (let at = 0; at < tail.length; ) at += readSync(fd, tail, at, tail.length - at, start + at);
    const end = tail.lastIndexOf(LINE_FEED);
    if (end + 1 < tail.length) ftruncateSync(fd, start + end + 1);
    if (end < 0) return first;
    const line = parseLine(tail, tail.lastIndexOf(LINE_FEED, end - 1) + 1, end);
    return line === undefined ? first : line.number + 1;
  } finally {
    closeSync(fd);
  }
}
