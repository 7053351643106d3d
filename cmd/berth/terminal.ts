// The terminal that berth runs in, lent to a process: raw while it runs, restored whatever happens.
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

/** Keys go through unread by the line discipline, ^C included, until disposed or berth exits. */
export function rawMode(): Disposable {
  const { stdin } = process;
  if (!stdin.isTTY || stdin.isRaw) return { [Symbol.dispose]: () => {} };
  const restore = (): void => {
    stdin.setRawMode(false);
  };
  stdin.setRawMode(true);
  process.on("exit", restore);
  return {
    [Symbol.dispose]: () => {
      process.off("exit", restore);
      restore();
    },
  };
}

/** Tells the size at once and at each change, until disposed. */
export function followSize(tell: (size: Size) => void): Disposable {
  const stream = [process.stdout, process.stderr].find((candidate) => candidate.isTTY);
  if (stream === undefined) return { [Symbol.dispose]: () => {} };
  const onResize = (): void => tell({ width: stream.columns, height: stream.rows });
  onResize();
  stream.on("resize", onResize);
  return { [Symbol.dispose]: () => stream.off("resize", onResize) };
}
