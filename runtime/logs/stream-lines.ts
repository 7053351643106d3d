// One stream's bytes on their way into lines: holds the beginning of a line until the rest of it comes.
import type { LogStreamName } from "../../api/core/task-log.js";
import { LINE_FEED, MAX_LINE_BYTES } from "./line-format.js";
import type { LineWriter } from "./line-writer.js";

const NOTHING = Buffer.alloc(0);

export class StreamLines {
  readonly #stream: LogStreamName;
  readonly #writer: LineWriter;
  #rest: Buffer = NOTHING;

  constructor(stream: LogStreamName, writer: LineWriter) {
    this.#stream = stream;
    this.#writer = writer;
  }

  /** The beginning of a line that has not ended. */
  get rest(): Uint8Array {
    return this.#rest;
  }

  /** What comes next. The bytes are the caller's again when it returns. */
  take(chunk: Buffer): void {
    const data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let from = 0;
    for (let end = data.indexOf(LINE_FEED); end >= 0; end = data.indexOf(LINE_FEED, from)) {
      from = this.#cut(data, from, end);
      this.#writer.add(this.#stream, false, data, from, end);
      from = end + 1;
    }
    from = this.#cut(data, from, data.length);
    this.#rest = from === data.length ? NOTHING : Buffer.from(data.subarray(from));
  }

  /** Nothing comes any more. */
  end(): void {
    if (this.#rest.length > 0) this.#writer.add(this.#stream, true, this.#rest, 0, this.#rest.length);
    this.#rest = NOTHING;
  }

  /** Parts of a line that is too long. @returns where what is left of it begins. */
  #cut(data: Buffer, start: number, end: number): number {
    let from = start;
    for (; end - from > MAX_LINE_BYTES; from += MAX_LINE_BYTES) {
      this.#writer.add(this.#stream, true, data, from, from + MAX_LINE_BYTES);
    }
    return from;
  }
}
