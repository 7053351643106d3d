// A segment that is open for reading: blocks of whole lines, and where to begin. It can be read also when its name is gone.
import { type FileHandle, open } from "node:fs/promises";
import type { LogEntry } from "../../api/core/task-log.js";
import { hasCode } from "../sys/errno.js";
import { entryOf, LINE_FEED, MAX_HEAD_BYTES, MAX_LINE_BYTES, parseLine, TimeReader } from "./line-format.js";
import type { Segment } from "./places.js";

const BLOCK_BYTES = 256 * 1024;
const LONGEST_BYTES = MAX_LINE_BYTES + MAX_HEAD_BYTES;

export class SegmentFile implements AsyncDisposable {
  readonly first: number;
  readonly attempt: number;
  readonly #file: FileHandle;
  readonly #times = new TimeReader();
  #offset = 0;

  private constructor({ first, attempt }: Segment, file: FileHandle) {
    this.first = first;
    this.attempt = attempt;
    this.#file = file;
  }

  /** undefined for one that has been removed. */
  static async open(segment: Segment): Promise<SegmentFile | undefined> {
    try {
      return new SegmentFile(segment, await open(segment.path, "r"));
    } catch (error) {
      if (hasCode(error, "ENOENT")) return undefined;
      throw error;
    }
  }

  /** The lines that come next, as many as are read at once; none at the end, where more may be written. */
  async read(): Promise<LogEntry[]> {
    const block = await this.#block(this.#offset, BLOCK_BYTES);
    const end = block.lastIndexOf(LINE_FEED) + 1;
    this.#offset += end;
    return this.#parse(block, end);
  }

  /** Passes over lines of which this is true, which must be the first ones. */
  async skipWhile(isBefore: (line: LogEntry) => boolean): Promise<void> {
    let [low, high] = [this.#offset, (await this.#file.stat()).size];
    // Below `low` all lines are before, and at `high` begins one that is not, or the end.
    while (high - low > LONGEST_BYTES) {
      const middle = low + Math.floor((high - low) / 2);
      const found = await this.#lineBehind(middle);
      if (found === undefined || found.at >= high) break;
      if (isBefore(found.line)) low = found.at;
      else high = found.at;
    }
    this.#offset = low;
    for (;;) {
      const block = await this.#block(this.#offset, BLOCK_BYTES);
      const end = block.lastIndexOf(LINE_FEED) + 1;
      if (end === 0) return;
      for (let at = 0; at < end; ) {
        const next = block.indexOf(LINE_FEED, at) + 1;
        const line = this.#line(block, at, next - 1);
        if (line !== undefined && !isBefore(line)) {
          this.#offset += at;
          return;
        }
        at = next;
      }
      this.#offset += end;
    }
  }

  /** The last whole line; undefined without any. */
  async last(): Promise<LogEntry | undefined> {
    const { size } = await this.#file.stat();
    const start = Math.max(0, size - 2 * LONGEST_BYTES);
    const block = await this.#block(start, size - start);
    const end = block.lastIndexOf(LINE_FEED);
    return end < 0 ? undefined : this.#line(block, end === 0 ? 0 : block.lastIndexOf(LINE_FEED, end - 1) + 1, end);
  }

  /** The first whole line; undefined without any. */
  async firstLine(): Promise<LogEntry | undefined> {
    const block = await this.#block(0, LONGEST_BYTES);
    const end = block.indexOf(LINE_FEED);
    return end < 0 ? undefined : this.#line(block, 0, end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #lineBehind(offset: number): Promise<{ at: number; line: LogEntry } | undefined> {
    const block = await this.#block(offset, 2 * LONGEST_BYTES);
    const start = block.indexOf(LINE_FEED) + 1;
    const end = block.indexOf(LINE_FEED, start);
    if (start === 0 || end < 0) return undefined;
    const line = this.#line(block, start, end);
    return line === undefined ? undefined : { at: offset + start, line };
  }

  async #block(offset: number, bytes: number): Promise<Buffer> {
    const block = Buffer.allocUnsafe(bytes);
    let at = 0;
    while (at < bytes) {
      const { bytesRead } = await this.#file.read(block, at, bytes - at, offset + at);
      if (bytesRead === 0) break;
      at += bytesRead;
    }
    return block.subarray(0, at);
  }

  #parse(block: Buffer, end: number): LogEntry[] {
    const lines: LogEntry[] = [];
    for (let at = 0; at < end; ) {
      const next = block.indexOf(LINE_FEED, at) + 1;
      const line = this.#line(block, at, next - 1);
      if (line !== undefined) lines.push(line);
      at = next;
    }
    return lines;
  }

  #line(block: Buffer, start: number, end: number): LogEntry | undefined {
    const line = parseLine(block, start, end);
    return line === undefined ? undefined : entryOf(block, line, end, this.#times.read(block, start), this.attempt);
  }
}
