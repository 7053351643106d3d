// A display in place: each drawing covers the one before. Where there is no terminal the drawings follow each other as text.
import { fitToWidth, widthOf } from "./width.js";

const HIDE_CURSOR = "\u001b[?25l";
const SHOW_CURSOR = "\u001b[?25h";
const CLEAR_LINE = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";
const DEFAULT_WINDOW = { columns: 80, rows: 24 };

export interface Screen extends Disposable {
  /** It is a terminal: what is drawn takes the place of what was. */
  readonly isLive: boolean;
  /** How much fits. */
  readonly size: { readonly columns: number; readonly rows: number };
  /** Shows the lines, of which none ends in a newline. What is too wide or too much is cut. */
  draw(lines: readonly string[]): void;
}

/** What it needs of stdout. */
export interface ScreenStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: "resize", listener: () => void): unknown;
  off(event: "resize", listener: () => void): unknown;
}

/** The cursor is hidden from the first drawing until it is disposed, also when a signal or `process.exit` ends the program. */
export function createScreen(stream: ScreenStream): Screen {
  return stream.isTTY === true ? new LiveScreen(stream) : new TextScreen(stream);
}

class TextScreen implements Screen {
  readonly isLive = false;
  readonly size = { columns: Number.POSITIVE_INFINITY, rows: Number.POSITIVE_INFINITY };
  readonly #stream: ScreenStream;

  constructor(stream: ScreenStream) {
    this.#stream = stream;
  }

  draw(lines: readonly string[]): void {
    this.#stream.write(lines.map((line) => `${line}\n`).join(""));
  }

  [Symbol.dispose](): void {}
}

class LiveScreen implements Screen {
  readonly isLive = true;
  readonly #stream: ScreenStream;
  #lines: readonly string[] | undefined;
  /** How wide the lines are that stand there; the cursor is below them. */
  #widths: readonly number[] = [];
  readonly #onResize = (): void => this.#redraw();
  readonly #onExit = (): void => this[Symbol.dispose]();
  readonly #onInterrupt = (): void => process.exit(0);
  readonly #onTerm = (): void => process.exit(143);

  constructor(stream: ScreenStream) {
    this.#stream = stream;
  }

  get size(): { readonly columns: number; readonly rows: number } {
    const { columns, rows } = this.#stream;
    return { columns: columns || DEFAULT_WINDOW.columns, rows: rows || DEFAULT_WINDOW.rows };
  }

  draw(lines: readonly string[]): void {
    if (this.#lines === undefined) {
      this.#stream.on("resize", this.#onResize);
      process.on("exit", this.#onExit).on("SIGINT", this.#onInterrupt).on("SIGTERM", this.#onTerm);
      this.#stream.write(HIDE_CURSOR);
    }
    this.#lines = lines;
    this.#redraw();
  }

  /** One write, so that nothing flickers. */
  #redraw(): void {
    const { columns, rows } = this.size;
    // The last column stays free: some terminals wrap there, others do not.
    const shown = (this.#lines ?? []).slice(0, rows - 1).map((line) => fitToWidth(line, columns - 1));
    // Terminals break lines anew that have become too long for them.
    const drawn = this.#widths.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    const up = Math.min(drawn, rows - 1);
    const start = up > 0 ? `\r\u001b[${up}A` : "\r";
    this.#stream.write(start + shown.map((line) => `${line}${CLEAR_LINE}\n`).join("") + CLEAR_BELOW);
    this.#widths = shown.map(widthOf);
  }

  [Symbol.dispose](): void {
    if (this.#lines === undefined) return;
    this.#lines = undefined;
    this.#stream.off("resize", this.#onResize);
    process.off("exit", this.#onExit).off("SIGINT", this.#onInterrupt).off("SIGTERM", this.#onTerm);
    // Terminals show a ^C where the cursor is.
    this.#stream.write(`\r${CLEAR_LINE}${SHOW_CURSOR}`);
  }
}
