// How many columns text takes on a terminal, and text cut to fit. Colours take none, wide characters two, combining ones none.

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control characters
const COLOUR = /\u001b\[[0-9;]*m/y;
const RESET = "\u001b[0m";
const ELLIPSIS = "…";
const ZERO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;
const CONTROL = /^\p{Cc}$/u;

/** Columns that a character takes. @source Unicode UAX 11, the blocks that are wide or full throughout */
function columnsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return CONTROL.test(character) ? 0 : 1;
  if (ZERO_WIDTH.test(character)) return 0;
  return isWide(code) ? 2 : 1;
}

const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x23e9, 0x23ec],
  [0x2614, 0x2615],
  [0x26a1, 0x26a1],
  [0x2705, 0x2705],
  [0x2728, 0x2728],
  [0x274c, 0x274c],
  [0x2b1b, 0x2b1c],
  [0x2b50, 0x2b50],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f7e0, 0x1f7eb],
  [0x1f900, 0x1f9ff],
  [0x1fa70, 0x1faff],
  [0x20000, 0x3fffd],
];

function isWide(code: number): boolean {
  return WIDE.some(([first, last]) => code >= first && code <= last);
}

/** Columns of a line. */
export function widthOf(line: string): number {
  let width = 0;
  for (const piece of pieces(line)) width += piece.columns;
  return width;
}

/** The line, its end replaced by `…` where it is wider than that. Control characters, which would move the cursor, are left out. */
export function fitToWidth(line: string, columns: number): string {
  const isCut = widthOf(line) > columns;
  const room = isCut ? columns - 1 : columns;
  let [text, width, isColoured] = ["", 0, false];
  for (const piece of pieces(line)) {
    if (piece.isColour) isColoured = true;
    else if (CONTROL.test(piece.text)) continue;
    else if (width + piece.columns > room) break;
    width += piece.columns;
    text += piece.text;
  }
  if (!isCut) return text;
  return `${text}${isColoured ? RESET : ""}${columns > 0 ? ELLIPSIS : ""}`;
}

interface Piece {
  readonly text: string;
  readonly columns: number;
  readonly isColour: boolean;
}

function* pieces(line: string): Generator<Piece> {
  for (let at = 0; at < line.length; ) {
    COLOUR.lastIndex = at;
    const colour = COLOUR.exec(line)?.[0];
    const text = colour ?? String.fromCodePoint(line.codePointAt(at) ?? 0);
    yield { text, columns: colour === undefined ? columnsOf(text) : 0, isColour: colour !== undefined };
    at += text.length;
  }
}
