// What has left a task's pipe and may not stand in the log yet. The kernel moves it here, so that a log process that is killed at any
// moment loses nothing: the next one finds here what the log lacks. A spool's name says with which line of the log it begins.
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { LogStreamName } from "../../api/core/task-log.js";
import { moveToFile } from "../sys/splice.js";

const { O_CREAT, O_RDWR, O_TRUNC } = constants;
const FILE_MODE = 0o600;

/** Disposing closes it; the file stays. */
export class Spool implements Disposable {
  readonly #folder: string;
  readonly #stream: LogStreamName;
  /** Its first byte is the first of this line, or of one behind it. */
  #firstLine: number;
  #fd: number;
  #sizeBytes: number;

  private constructor(folder: string, stream: LogStreamName, firstLine: number, fd: number) {
    this.#folder = folder;
    this.#stream = stream;
    this.#firstLine = firstLine;
    this.#fd = fd;
    this.#sizeBytes = fstatSync(fd).size;
  }

  /** The newest that is there; else a new one, that begins with this line. */
  static open(folder: string, stream: LogStreamName, nextLine: number): Spool {
    const found = spools(folder, stream);
    const [newest, ...older] = found;
    for (const line of older) rmSync(pathOf(folder, stream, line), { force: true });
    const firstLine = newest ?? nextLine;
    return new Spool(
      folder,
      stream,
      firstLine,
      openSync(pathOf(folder, stream, firstLine), O_RDWR | O_CREAT, FILE_MODE),
    );
  }

  get firstLine(): number {
    return this.#firstLine;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Moves what is in a pipe behind what is here. @returns how many bytes; 0 at the end; undefined when there is nothing now. */
  fill(pipe: number, mostBytes: number): number | undefined {
    const bytes = moveToFile(pipe, this.#fd, this.#sizeBytes, mostBytes);
    this.#sizeBytes += bytes ?? 0;
    return bytes;
  }

  /** Fills the start of a buffer. @returns that part of it. */
  read(buffer: Buffer, offset: number, bytes: number): Buffer {
    let at = 0;
    while (at < bytes) {
      const count = readSync(this.#fd, buffer, at, bytes - at, offset + at);
      if (count === 0) break;
      at += count;
    }
    return buffer.subarray(0, at);
  }

  /** All before `rest` stands in the log: begins again with that, which is part of line `nextLine` or one behind it. */
  restart(nextLine: number, rest: Uint8Array): void {
    const coming = join(this.#folder, `${this.#stream}.coming`);
    const fd = openSync(coming, O_RDWR | O_CREAT | O_TRUNC, FILE_MODE);
    let at = 0;
    try {
      while (at < rest.length) at += writeSync(fd, rest, at, rest.length - at, at);
      // Whoever finds two takes the newer one.
      renameSync(coming, pathOf(this.#folder, this.#stream, nextLine));
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    closeSync(this.#fd);
    if (nextLine !== this.#firstLine) rmSync(pathOf(this.#folder, this.#stream, this.#firstLine), { force: true });
    this.#fd = fd;
    this.#firstLine = nextLine;
    this.#sizeBytes = rest.length;
  }

  [Symbol.dispose](): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }
}

const pathOf = (folder: string, stream: LogStreamName, firstLine: number): string =>
  join(folder, `${stream}.${firstLine}.spool`);

/** The lines that spools begin with, the highest first. */
function spools(folder: string, stream: LogStreamName): number[] {
  const lines = readdirSync(folder).flatMap((name) => {
    const match = /^(stdout|stderr)\.(\d+)\.spool$/.exec(name);
    return match?.[1] === stream ? [Number(match[2])] : [];
  });
  return lines.sort((a, b) => b - a);
}
