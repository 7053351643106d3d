// What is being waited for, once it has taken a second: one line on the terminal's stderr, gone when it is over, and out of the way of
// whatever is printed meanwhile.
import { fitToWidth } from "../render/width.js";

const PATIENCE_MS = 1_000;
const REDRAW_MS = 100;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const DEFAULT_COLUMNS = 80;
const ERASE = "\r\u001b[K";

/** The one line of a program, for all that it waits for. */
class WaitingLine {
  readonly #waits = new Map<symbol, { readonly text: string; readonly startMs: number }>();
  #timer: NodeJS.Timeout | undefined;
  #frame = 0;
  #isShown = false;

  async during<T>(text: string, work: Promise<T>): Promise<T> {
    const key = Symbol(text);
    this.#waits.set(key, { text, startMs: performance.now() });
    this.#timer ??= setInterval(() => this.#draw(), REDRAW_MS);
    try {
      return await work;
    } finally {
      this.#waits.delete(key);
      if (this.#waits.size === 0) {
        clearInterval(this.#timer);
        this.#timer = undefined;
      }
      this.hide();
    }
  }

  hide(): void {
    if (this.#isShown) process.stderr.write(ERASE);
    this.#isShown = false;
  }

  #draw(): void {
    const nowMs = performance.now();
    const long = [...this.#waits.values()].filter(({ startMs }) => nowMs - startMs >= PATIENCE_MS);
    if (long.length === 0) return;
    const seconds = Math.floor((nowMs - Math.min(...long.map(({ startMs }) => startMs))) / 1000);
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const line = `${FRAMES[this.#frame] ?? ""} ${long.map(({ text }) => text).join(", ")} (${seconds} s)`;
    process.stderr.write(`\r${fitToWidth(line, (process.stderr.columns || DEFAULT_COLUMNS) - 1)}\u001b[K`);
    this.#isShown = true;
  }
}

const waitingLine = new WaitingLine();

/** Settles as `work` does. Nothing is shown where stderr is no terminal. `text` says what is waited for: `stopping web`. */
export async function showWaiting<T>(text: string, work: Promise<T>): Promise<T> {
  return process.stderr.isTTY ? await waitingLine.during(text, work) : await work;
}

/** Takes the line away before something else is printed; it comes back at the next redrawing. */
export function hideWaiting(): void {
  waitingLine.hide();
}
