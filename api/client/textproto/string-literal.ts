// What stands between the quotes of a string in protobuf's text format, from text to bytes and back.

const SIMPLE: ReadonlyMap<string, number> = new Map(
  Object.entries({ a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, "?": 63, "'": 39, '"': 34, "\\": 92 }),
);
const ESCAPE = /\\(?:([abfnrtv?'"\\])|([0-7]{1,3})|[xX]([\da-fA-F]{1,2})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))?/g;
const LARGEST_BYTE = 0xff;
const LARGEST_CODE_POINT = 0x10ffff;

/** @param fail makes the error for what is wrong at a place in `body` */
export function unquote(body: string, fail: (at: number, what: string) => Error): Uint8Array {
  const parts: Uint8Array[] = [];
  let done = 0;
  for (const match of body.matchAll(ESCAPE)) {
    parts.push(Buffer.from(body.slice(done, match.index)));
    done = match.index + match[0].length;
    const [whole, simple, octal, hex, short, long] = match;
    const number = Number.parseInt(octal ?? hex ?? short ?? long ?? "", octal === undefined ? 16 : 8);
    const codePoint = short ?? long;
    if (simple !== undefined) parts.push(Uint8Array.of(SIMPLE.get(simple) ?? 0));
    else if (codePoint !== undefined && isCharacter(number)) parts.push(Buffer.from(String.fromCodePoint(number)));
    else if (codePoint === undefined && number <= LARGEST_BYTE) parts.push(Uint8Array.of(number));
    else throw fail(match.index, whole === "\\" ? "no such escape" : `${whole} stands for no character`);
  }
  parts.push(Buffer.from(body.slice(done)));
  return Buffer.concat(parts);
}

/** Half of a surrogate pair is none. */
const isCharacter = (codePoint: number): boolean =>
  codePoint <= LARGEST_CODE_POINT && (codePoint < 0xd800 || codePoint > 0xdfff);

const NAMED: ReadonlyMap<number, string> = new Map([
  [10, "\\n"],
  [13, "\\r"],
  [9, "\\t"],
  [34, '\\"'],
  [39, "\\'"],
  [92, "\\\\"],
]);

/** With its quotes, all in ASCII, as C++ prints it: what is not printable as three octal digits. @source protobuf text_format.cc */
export function quoteBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    const isPrintable = byte >= 0x20 && byte < 0x7f;
    text += NAMED.get(byte) ?? (isPrintable ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, "0")}`);
  }
  return `"${text}"`;
}
