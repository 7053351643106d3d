// The pipe of a process's input, kept open at both ends until the process's side reads it. Shims answer Start while they still open
// their end (go-fifo opens in the background what is to be opened without blocking): input that meets nobody there is refused with
// EPIPE, and what is in a pipe that nobody has open is forgotten.
import { closeSync, constants, openSync } from "node:fs";
import { hasCode } from "../../../runtime/sys/errno.js";

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;
const FIRST_LOOK_MS = 1;
const MAX_LOOK_MS = 100;

/** Both ends, by their descriptors, which are this object's from now on. */
export class HeldInput implements Disposable {
  readonly #path: string;
  #reader: number | undefined;
  #writer: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isReleased = false;

  constructor(path: string, reader: number, writer: number) {
    this.#path = path;
    this.#reader = reader;
    this.#writer = writer;
  }

  /** Lets go as soon as somebody else reads; looks for that now and then. Later calls do nothing. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#look(FIRST_LOOK_MS);
  }

  /** Lets go at once. Safe to call twice. */
  [Symbol.dispose](): void {
    this.#isReleased = true;
    clearTimeout(this.#timer);
    for (const fd of [this.#reader, this.#writer]) if (fd !== undefined) closeSync(fd);
    this.#reader = undefined;
    this.#writer = undefined;
  }

  #look(nextMs: number): void {
    if (this.#isRead()) {
      this[Symbol.dispose]();
      return;
    }
    this.#timer = setTimeout(() => this.#look(Math.min(2 * nextMs, MAX_LOOK_MS)), nextMs).unref();
  }

  /** Whether somebody else reads, or nobody ever will. Nothing of ours is written meanwhile: this does not wait. */
  #isRead(): boolean {
    if (this.#reader !== undefined) closeSync(this.#reader);
    this.#reader = undefined;
    try {
      // Refused unless the pipe is open for reading.
      closeSync(openSync(this.#path, O_WRONLY | O_NONBLOCK));
      return true;
    } catch (error) {
      // The pipe has been removed: its process is over.
      if (!hasCode(error, "ENXIO")) return true;
    }
    try {
      this.#reader = openSync(this.#path, O_RDONLY | O_NONBLOCK);
      return false;
    } catch {
      return true;
    }
  }
}
