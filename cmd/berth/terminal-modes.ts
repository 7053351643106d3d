// The modes that a program has put the terminal into, as far as whoever leaves it in the middle has to undo them: another screen, no
// cursor, a mouse that types.
// @source xterm ctlseqs ("DEC Private Mode Set")

/** Off where a program has not switched them on: cursor keys of applications, mice, other screens, news of focus, marks around what is pasted. */
const USUALLY_OFF: ReadonlySet<number> = new Set([
  1, 9, 47, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1047, 1049, 2004,
]);
/** On, likewise: the cursor. */
const USUALLY_ON: ReadonlySet<number> = new Set([25]);
// biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences are what is looked for
const SEQUENCE = /\u001b\[\?([\d;]+)([hl])/g;
/** A sequence may be cut by the end of a chunk. */
const LONGEST_SEQUENCE = 64;

export class TerminalModes {
  /** Those that are not as usual, in the order of their coming. */
  readonly #changed = new Set<number>();
  #tail = "";

  /** What the program writes. */
  take(chunk: Uint8Array): void {
    const text = this.#tail + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    let end = 0;
    for (const found of text.matchAll(SEQUENCE)) {
      const [sequence, numbers = "", verb] = found;
      for (const mode of numbers.split(";").map(Number)) this.#set(mode, verb === "h");
      end = found.index + sequence.length;
    }
    this.#tail = text.slice(Math.max(end, text.length - LONGEST_SEQUENCE));
  }

  /** What puts everything back, the last first. */
  undo(): string {
    const modes = [...this.#changed].reverse();
    return modes.map((mode) => `\u001b[?${mode}${USUALLY_ON.has(mode) ? "h" : "l"}`).join("");
  }

  #set(mode: number, isOn: boolean): void {
    if (!USUALLY_ON.has(mode) && !USUALLY_OFF.has(mode)) return;
    this.#changed.delete(mode);
    if (isOn !== USUALLY_ON.has(mode)) this.#changed.add(mode);
  }
}
