// Copies between a process's streams and local ones, at the pace of whoever reads: nothing is buffered without bound, nothing is lost.
import type { Readable, Writable } from "node:stream";
import { finished } from "node:stream/promises";
import type { ProcessStreams } from "./fifo-ends.js";

/** This side of a copy. The streams stay open; whoever opened them ends them. */
export interface LocalStreams {
  /** undefined: the process is sent nothing, and its input is not ended. */
  readonly stdin?: Readable | undefined;
  readonly stdout: Writable;
  readonly stderr: Writable;
}

/** What `copyStreams` tells whoever started it. */
export interface CopyOptions {
  /** Called once when the local input has ended and all of it has been handed on; `closeIO` belongs here. */
  readonly onInputEnd: () => void;
  /** Called once for each local output that fails (EPIPE, as a rule). What still comes for it is thrown away. */
  readonly onOutputLost: () => void;
}

/** A copy that `copyStreams` started. It ends with the process's streams; there is nothing to close. */
export interface Copy {
  /** Resolves when the process's output has ended and has been handed on to the local streams. Never rejects. */
  readonly outputDone: Promise<void>;
  /**
   * Like it, for a process that has exited: gives up when nothing has come for `idleMs` milliseconds, since a child may keep the pipe
   * open. A local reader that is slow is waited for.
   */
  drain(idleMs: number): Promise<void>;
  /** Stops reading the local input. */
  stopInput(): void;
}

/** Starts copying. The local streams stay open. */
export function copyStreams(process: ProcessStreams, local: LocalStreams, options: CopyOptions): Copy {
  const outputs = [
    copyOutput(process.stdout, local.stdout, options),
    copyOutput(process.stderr, local.stderr, options),
  ];
  const stopInput = copyInput(local.stdin, process.stdin, options.onInputEnd);
  const outputDone = Promise.all(outputs.map((output) => output.done)).then(() => undefined);
  return {
    outputDone,
    drain: async (idleMs) => {
      await Promise.all(outputs.map((output) => output.drain(idleMs)));
    },
    stopInput,
  };
}

function copyInput(from: Readable | undefined, to: Writable | undefined, onEnd: () => void): () => void {
  if (from === undefined || to === undefined) return () => {};
  let stopped = false;
  // The process may go, or close its stdin, while there is input left: then nobody wants it (EPIPE).
  to.on("error", () => {
    from.unpipe(to);
    from.pause();
  });
  to.once("finish", () => {
    if (!stopped) onEnd();
  });
  from.pipe(to);
  return () => {
    stopped = true;
    from.unpipe(to);
    from.pause();
  };
}

function copyOutput(
  from: Readable | undefined,
  to: Writable,
  options: CopyOptions,
): { readonly done: Promise<void>; drain(idleMs: number): Promise<void> } {
  if (from === undefined) return { done: Promise.resolve(), drain: async () => {} };
  let chunks = 0;
  let lost = false;
  from.on("data", () => {
    chunks += 1;
  });
  const onLost = (): void => {
    if (lost) return;
    lost = true;
    from.unpipe(to);
    from.resume();
    options.onOutputLost();
  };
  to.on("error", onLost);
  from.pipe(to, { end: false });
  const done = finished(from, { writable: false })
    // Destroyed by drain or by the owner: what came has been handed on.
    .catch(() => undefined)
    .finally(() => to.off("error", onLost));
  return {
    done,
    drain: async (idleMs) => {
      let seen = -1;
      const timer = setInterval(() => {
        const waitsForReader = !lost && to.writableNeedDrain;
        if (seen === chunks && !waitsForReader) from.destroy();
        seen = chunks;
      }, idleMs);
      await done;
      clearInterval(timer);
    },
  };
}
