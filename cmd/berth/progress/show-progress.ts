// Shows a pull or push on its way: a block that is drawn anew on a terminal, a line for each change of status elsewhere.
import type { WriteStream } from "node:tty";
import type { OnProgress } from "../../../api/client/distribution/progress.js";
import { TransferView } from "./transfer-view.js";

const REDRAW_MS = 100;
const DEFAULT_WINDOW = { columns: 80, rows: 24 };
/** Up one line, and clear it. */
const ERASE_LINE = "\u001b[1A\u001b[2K\r";
/** Told in a log: what is over. That something waits or moves is of interest only while one looks on. */
const LOGGED = new Set(["resolved", "done", "exists", "mounted", "unpacked", "saved"]);

export interface ProgressDisplay extends Disposable {
  readonly onProgress: OnProgress;
}

/** Begins to show; disposing draws it for the last time. Nothing is written with `quiet`. */
export function showProgress(stream: NodeJS.WriteStream, options: { readonly quiet?: boolean } = {}): ProgressDisplay {
  if (options.quiet === true) return { onProgress: () => {}, [Symbol.dispose]: () => {} };
  const view = new TransferView(Date.now());
  return stream.isTTY ? onTerminal(view, stream) : inLines(view, stream);
}

function inLines(view: TransferView, stream: NodeJS.WriteStream): ProgressDisplay {
  return {
    onProgress: (event) => {
      if (view.take(event, Date.now()) && LOGGED.has(event.status)) stream.write(`${view.line(event.name)}\n`);
    },
    [Symbol.dispose]: () => void stream.write(`${view.sum(Date.now())}\n`),
  };
}

function onTerminal(view: TransferView, stream: WriteStream): ProgressDisplay {
  let drawn: readonly string[] = [];
  const draw = (): void => {
    const window = { columns: stream.columns || DEFAULT_WINDOW.columns, rows: stream.rows || DEFAULT_WINDOW.rows };
    const lines = view.lines(Date.now(), window);
    // Terminals break lines anew that have become too long for them.
    const above = drawn.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / window.columns)), 0);
    stream.write(`${ERASE_LINE.repeat(above)}${lines.map((line) => `${line}\n`).join("")}`);
    drawn = lines;
  };
  const timer = setInterval(draw, REDRAW_MS);
  return {
    onProgress: (event) => void view.take(event, Date.now()),
    [Symbol.dispose]: () => {
      clearInterval(timer);
      draw();
    },
  };
}
