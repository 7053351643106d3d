// What a quoted text stands for. Its escapes have been checked by the scanner; only their values can still be wrong.
// @source containerd pkg/filters/quote.go

const SHORT: ReadonlyMap<string, number> = new Map([
  ["a", 0x07],
  ["b", 0x08],
  ["f", 0x0c],
  ["n", 0x0a],
  ["r", 0x0d],
  ["t", 0x09],
  ["v", 0x0b],
]);

const MAX_BYTE = 0xff;
const MAX_CODE_POINT = 0x10ffff;
/** A character, an escape with a number, or any other escape. */
const PIECE = /[^\\]+|\\([0-7]{3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})|\\(.)/gs;

const isSurrogate = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;

/**
 * The bytes between the quotes, with escapes resolved: `\x` and octal give single bytes, so the result may be no UTF-8.
 * undefined for a number that is no byte or no code point.
 */
export function unquote(quoted: string): Buffer | undefined {
  const parts: Buffer[] = [];
  for (const [piece, numeric, short] of quoted.slice(1, -1).matchAll(PIECE)) {
    if (numeric !== undefined) {
      const part = numericEscape(numeric);
      if (part === undefined) return undefined;
      parts.push(part);
    } else if (short !== undefined) {
      const code = SHORT.get(short);
      parts.push(code === undefined ? Buffer.from(short) : Buffer.of(code));
    } else {
      parts.push(Buffer.from(piece));
    }
  }
  return Buffer.concat(parts);
}

function numericEscape(text: string): Buffer | undefined {
  const letter = text.charAt(0);
  if (letter === "u" || letter === "U") {
    const code = Number.parseInt(text.slice(1), 16);
    if (code > MAX_CODE_POINT) return undefined;
    // Half a pair is no character; Go writes the replacement character for it.
    return Buffer.from(isSurrogate(code) ? "\ufffd" : String.fromCodePoint(code));
  }
  const byte = letter === "x" ? Number.parseInt(text.slice(1), 16) : Number.parseInt(text, 8);
  return byte > MAX_BYTE ? undefined : Buffer.of(byte);
}
