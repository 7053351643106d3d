// Our ends of a process's named pipes. Rules of the kernel shape this file: opening a pipe blocks until the other side opens it too
// (so every open is non-blocking: a blocking one would hold a thread of Node's small pool for ever); a reader of a pipe that nobody
// has open for writing is told that it ended, or never told if nobody had when it came; and a pipe that nobody has open forgets
// what was written to it. Until the shim has opened its ends we therefore hold the opposite ends ourselves.
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { hasCode } from "../../../runtime/sys/errno.js";
import type { Stdio } from "../../core/task.js";
import { HeldInput } from "./held-input.js";

const { O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

/** Ending `stdin` closes our end only: the process reads to the end when the shim, too, has closed its own (`closeIO`). */
export interface ProcessStreams {
  /** undefined without a pipe, as is `stdout`. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  /** undefined with a terminal. */
  readonly stderr: Readable | undefined;
}

type Descriptors = { readonly [K in keyof ProcessStreams]: number | undefined };

/**
 * Our ends of a process's named pipes, as file descriptors and later as streams. Whoever made it disposes it; `removeFifos`
 * removes the pipes themselves.
 */
export class FifoEnds implements Disposable {
  #ends: Descriptors | undefined;
  #held: number[];
  #input: HeldInput | undefined;
  #streams: Socket[] = [];

  private constructor(ends: Descriptors, held: number[], input?: HeldInput) {
    this.#ends = ends;
    this.#held = held;
    this.#input = input;
  }

  /** For pipes just made, before the daemon hears of them. Call {@link release} when the process has been started. */
  static hold(stdio: Stdio): FifoEnds {
    const opened: number[] = [];
    const open = (path: string, flags: number): number | undefined => {
      if (path === "") return undefined;
      const fd = openSync(path, flags | O_NONBLOCK);
      opened.push(fd);
      return fd;
    };
    try {
      const inputReader = open(stdio.stdin, O_RDONLY);
      const inputWriter = open(stdio.stdin, O_WRONLY);
      const stdin = open(stdio.stdin, O_WRONLY);
      const stdout = open(stdio.stdout, O_RDONLY);
      const heldStdout = open(stdio.stdout, O_WRONLY);
      const stderr = open(stdio.stderr, O_RDONLY);
      const heldStderr = open(stdio.stderr, O_WRONLY);
      const held = [heldStdout, heldStderr].filter((fd) => fd !== undefined);
      const input =
        inputReader === undefined || inputWriter === undefined
          ? undefined
          : new HeldInput(stdio.stdin, inputReader, inputWriter);
      return new FifoEnds({ stdin, stdout, stderr }, held, input);
    } catch (error) {
      opened.forEach(closeSync);
      throw error;
    }
  }

  /** For the pipes of a process that runs already. Pipes that its shim has closed or never had are left out, and so is what is no pipe. */
  static attach(stdio: Stdio): FifoEnds {
    const open = (path: string, flags: number): number | undefined => {
      if (!path.startsWith("/")) return undefined;
      try {
        const fd = openSync(path, flags | O_NONBLOCK);
        if (fstatSync(fd).isFIFO()) return fd;
        closeSync(fd);
        return undefined;
      } catch (error) {
        if (hasCode(error, "ENXIO") || hasCode(error, "ENOENT")) return undefined;
        throw error;
      }
    };
    return new FifoEnds(
      {
        stdin: open(stdio.stdin, O_WRONLY),
        stdout: open(stdio.stdout, O_RDONLY),
        stderr: open(stdio.stderr, O_RDONLY),
      },
      [],
    );
  }

  /** The streams, to be asked for once. Reading starts here; without it all output stays in the pipes. */
  streams(): ProcessStreams {
    const ends = this.#take();
    const wrap = (fd: number | undefined, direction: "readable" | "writable"): Socket | undefined => {
      if (fd === undefined) return undefined;
      const socket = new Socket({ fd, readable: direction === "readable", writable: direction === "writable" });
      this.#streams.push(socket);
      return socket;
    };
    return {
      stdin: wrap(ends.stdin, "writable"),
      stdout: wrap(ends.stdout, "readable"),
      stderr: wrap(ends.stderr, "readable"),
    };
  }

  /**
   * The process has been started: from here the shim's closing its ends is the end of the output. The input's other end is given up when
   * the shim has opened its own, which it may do a moment after it has answered.
   */
  release(): void {
    for (const fd of this.#held.splice(0)) closeSync(fd);
    this.#input?.release();
  }

  /** Closes everything at once; what has not been read stays with the shim. Safe to call twice. */
  [Symbol.dispose](): void {
    this.release();
    this.#input?.[Symbol.dispose]();
    for (const fd of Object.values(this.#take())) if (fd !== undefined) closeSync(fd);
    for (const stream of this.#streams.splice(0)) stream.destroy();
  }

  #take(): Descriptors {
    const ends = this.#ends ?? { stdin: undefined, stdout: undefined, stderr: undefined };
    this.#ends = undefined;
    return ends;
  }
}
