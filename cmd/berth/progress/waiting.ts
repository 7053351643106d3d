// What is being waited for, once it has taken a second: a line on the terminal's stderr that is gone when it is over.
import { fitToWidth } from "../render/width.js";

const PATIENCE_MS = 1_000;
const REDRAW_MS = 100;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const DEFAULT_COLUMNS = 80;

/** Settles as `work` does. Nothing is shown where stderr is no terminal. `text` says what is waited for: `stopping web`. */
export async function showWaiting<T>(text: string, work: Promise<T>): Promise<T> {
  const stream = process.stderr;
  if (!stream.isTTY) return await work;
  const startMs = performance.now();
  let frame = 0;
  const timer = setInterval(() => {
    const seconds = (performance.now() - startMs) / 1000;
    if (seconds * 1000 < PATIENCE_MS) return;
    frame += 1;
    const line = `${FRAMES[frame % FRAMES.length] ?? ""} ${text} (${seconds.toFixed(0)} s)`;
    stream.write(`\r${fitToWidth(line, (stream.columns || DEFAULT_COLUMNS) - 1)}\u001b[K`);
  }, REDRAW_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    if (frame > 0) stream.write("\r\u001b[K");
  }
}
