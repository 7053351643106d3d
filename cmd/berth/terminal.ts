// The terminal that berth runs in, lent to a process: raw while it runs, restored whatever happens.
import { makeRaw } from "../../runtime/sys/terminal.js";
import { UsageError } from "./exit-status.js";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** @throws UsageError when none of the three streams is a terminal. */
export function requireTerminal(): void {
  if (!process.stdin.isTTY && !process.stdout.isTTY && !process.stderr.isTTY) {
    throw new UsageError("--tty needs a terminal, and neither stdin nor stdout nor stderr is one");
  }
}

/** Keys and output go through as they are, ^C included, until disposed or berth exits. */
export function rawMode(): Disposable {
  const terminal = [process.stdin, process.stdout, process.stderr].find((stream) => stream.isTTY);
  if (terminal === undefined) return { [Symbol.dispose]: () => {} };
  const putBack = makeRaw(terminal.fd);
  const restore = (): void => {
    try {
      putBack();
    } catch {
      // The terminal is gone, and its settings with it.
    }
  };
  process.on("exit", restore);
  return {
    [Symbol.dispose]: () => {
      process.off("exit", restore);
      restore();
    },
  };
}

const display = () => [process.stdout, process.stderr].find((candidate) => candidate.isTTY);

/** undefined without a terminal to write to. */
export function terminalSize(): Size | undefined {
  const stream = display();
  return stream && { width: stream.columns, height: stream.rows };
}

/** Tells the size at once and at each change, until disposed. */
export function followSize(tell: (size: Size) => void): Disposable {
  const stream = display();
  if (stream === undefined) return { [Symbol.dispose]: () => {} };
  const onResize = (): void => tell({ width: stream.columns, height: stream.rows });
  onResize();
  stream.on("resize", onResize);
  return { [Symbol.dispose]: () => stream.off("resize", onResize) };
}
