// The client's end of an output whose log is kept: gets all of it while somebody reads, at the reader's pace, and nothing while nobody
// does. It is held open for writing only, so a reader that comes waits for output, and one that goes is told by EPIPE.
import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { openOutputEnd } from "../stdio/client-ends.js";
import { Descriptors } from "../stdio/descriptors.js";
import { hasCode } from "../sys/errno.js";
import { isFifo } from "../sys/fifo.js";
import { duplicate } from "../sys/pipe.js";
import { widenPipe } from "../sys/splice.js";

const { O_APPEND, O_NOCTTY, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

const PIPE_BYTES = 256 * 1024;

export interface OpenTee {
  /** Ends the waiting for a reader. */
  readonly signal: AbortSignal;
  /** Until when a reader must have come. */
  readonly deadlineMs: number;
}

/** Closing lets the reader see the end, behind all that was written. */
export class Tee {
  /** Called when it takes more. */
  onDrain: () => void = () => {};
  #fd: number;
  readonly #isFifo: boolean;
  #waiting: Socket | undefined;
  #isClosing = false;

  private constructor(fd: number) {
    this.#fd = fd;
    this.#isFifo = fstatSync(fd).isFIFO();
    // The fewer times a reader is waited for, the less it costs.
    if (this.#isFifo) widenPipe(fd, PIPE_BYTES);
  }

  /** As a shim opens it: a FIFO must have a reader first. @throws deadline_exceeded without one; unknown for what cannot be opened. */
  static async open(path: string, open: OpenTee): Promise<Tee> {
    using held = new Descriptors();
    const { fd } = await openOutputEnd(held, path, { ...open, mode: "nonblocking" });
    // What else is held would read, and so would hide that nobody does.
    return new Tee(held.release(fd));
  }

  /** One that was open before: readers are not waited for. undefined for a path where nothing is any more. */
  static reopen(path: string): Tee | undefined {
    try {
      if (!isFifo(path)) return new Tee(openSync(path, O_WRONLY | O_APPEND | O_NOCTTY));
      const reader = openSync(path, O_RDONLY | O_NONBLOCK);
      try {
        return new Tee(openSync(path, O_WRONLY | O_NONBLOCK));
      } finally {
        closeSync(reader);
      }
    } catch {
      return undefined;
    }
  }

  /** @returns whether it takes more: when not, the caller waits for {@link Tee.onDrain}. The bytes are the caller's again then. */
  write(data: Uint8Array): boolean {
    if (this.#fd < 0) return true;
    if (this.#waiting !== undefined) return !this.#queue(this.#waiting, data);
    for (let at = 0; at < data.length; ) {
      try {
        at += writeSync(this.#fd, data, at, data.length - at);
      } catch (error) {
        if (hasCode(error, "EAGAIN") && this.#isFifo) return !this.#wait(data.subarray(at));
        // EPIPE: nobody reads now. Else it takes nothing, like a full disk.
        return true;
      }
    }
    return true;
  }

  close(): void {
    this.#isClosing = true;
    if (this.#waiting === undefined) this.#end();
  }

  /** Drops what waits. */
  destroy(): void {
    this.#isClosing = true;
    if (this.#waiting === undefined) this.#end();
    else this.#waiting.destroy();
  }

  #end(): void {
    if (this.#fd >= 0) closeSync(this.#fd);
    this.#fd = -1;
  }

  /** The pipe is full: what is left goes as the reader takes it. */
  #wait(rest: Uint8Array): true {
    const socket = new Socket({ fd: duplicate(this.#fd), readable: false, writable: true });
    this.#waiting = socket;
    // The reader has gone, and with it whoever wanted this.
    socket.on("error", () => {});
    socket.once("close", () => {
      this.#waiting = undefined;
      if (this.#isClosing) this.#end();
      this.onDrain();
    });
    return this.#queue(socket, rest);
  }

  #queue(socket: Socket, data: Uint8Array): true {
    socket.write(Buffer.from(data), () => {
      if (socket.writableLength === 0) socket.destroy();
    });
    return true;
  }
}
