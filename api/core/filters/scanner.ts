// Cuts the text of a filter into tokens. Positions are byte offsets, since that is what the error messages show.
// @source containerd pkg/filters/scanner.go

/** Not a token of the grammar: something the scanner could not read. `text` is the reason. */
export interface Token {
  readonly kind: "field" | "value" | "quoted" | "separator" | "operator" | "illegal" | "other" | "end";
  /** Byte offset of its first character. */
  readonly position: number;
  readonly text: string;
}

/** What stands in the place of a character at the end of the input, and of one that must not be there. */
const END = "";
const ILLEGAL = "illegal";

/** Go's unicode.IsSpace. */
const SPACE = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/u;
const FIELD = /^[A-Za-z0-9_]$/;
/** Go's unicode.IsGraphic without white space and the comma. */
const VALUE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u;

const isQuote = (character: string): boolean => character === '"' || character === "/" || character === "|";
const isOperator = (character: string): boolean => character === "=" || character === "!" || character === "~";
const isSeparator = (character: string): boolean => character === "," || character === ".";
const isField = (character: string): boolean => FIELD.test(character);
const isValue = (character: string): boolean => character !== "," && VALUE.test(character);

/** How many digits an escape takes after its letter, and of which base. */
const NUMERIC_ESCAPES: ReadonlyMap<string, { readonly base: number; readonly digits: number }> = new Map([
  ["x", { base: 16, digits: 2 }],
  ["u", { base: 16, digits: 4 }],
  ["U", { base: 16, digits: 8 }],
]);

export class Scanner {
  readonly #characters: readonly string[];
  /** Index of the next character, and its byte offset. */
  #index = 0;
  #offset = 0;
  /** Byte offset of the character read last. */
  #lastOffset = 0;
  /** After an operator nearly every character belongs to the value. */
  #isValueNext = false;
  /** The first thing that went wrong; later ones do not replace it. */
  #reason = "";

  constructor(input: string) {
    this.#characters = Array.from(input);
  }

  /** Byte offset of the next character. */
  get offset(): number {
    return this.#offset;
  }

  /** The next character without reading it; "" at the end. */
  peek(): string {
    return this.#characterAt(this.#index);
  }

  scan(): Token {
    let character = this.#next();
    while (SPACE.test(character)) character = this.#next();
    const position = this.#lastOffset;
    const start = this.#index - 1;
    const token = (kind: Token["kind"], text = this.#characters.slice(start, this.#index).join("")): Token => ({
      kind,
      position,
      text,
    });
    if (character === END) return token("end", "");
    if (character === ILLEGAL) return token("illegal", this.#reason);
    if (isQuote(character)) return this.#skipQuoted(character) ? token("quoted") : token("illegal", this.#reason);
    if (isSeparator(character)) {
      this.#isValueNext = false;
      return token("separator");
    }
    if (isOperator(character)) {
      this.#skipWhile(isOperator);
      this.#isValueNext = true;
      return token("operator");
    }
    if (this.#isValueNext) {
      // Whatever the first character is, it is taken; only what follows must be graphic.
      this.#skipWhile(isValue);
      this.#isValueNext = false;
      return token("value");
    }
    if (isField(character)) {
      this.#skipWhile(isField);
      return token("field");
    }
    return token("other");
  }

  #characterAt(index: number): string {
    const character = this.#characters[index];
    if (character === undefined) return END;
    if (character === "\0") this.#fail("unexpected null");
    else if (character === "\ufffd") this.#fail("rune error");
    else return character;
    return ILLEGAL;
  }

  #next(): string {
    this.#lastOffset = this.#offset;
    const character = this.#characterAt(this.#index);
    if (character === END) return END;
    this.#offset += Buffer.byteLength(this.#characters[this.#index] ?? "");
    this.#index += 1;
    return character;
  }

  #fail(reason: string): void {
    if (this.#reason === "") this.#reason = reason;
  }

  #skipWhile(belongs: (character: string) => boolean): void {
    for (let character = this.peek(); character !== END && character !== ILLEGAL; character = this.peek()) {
      if (!belongs(character)) return;
      this.#next();
    }
  }

  /** Reads up to the closing quote. False for an escape that is none, or no closing quote in the line. */
  #skipQuoted(quote: string): boolean {
    let isLegal = true;
    let character = this.#next();
    while (character !== quote) {
      if (character === "\n" || character === END || character === ILLEGAL) {
        this.#fail("quoted literal not terminated");
        return false;
      }
      if (character === "\\") {
        const after = this.#skipEscape(quote);
        isLegal &&= after.isLegal;
        character = after.character;
      } else {
        character = this.#next();
      }
    }
    return isLegal;
  }

  /** Reads what follows a backslash; answers with the character after it. */
  #skipEscape(quote: string): { readonly character: string; readonly isLegal: boolean } {
    const character = this.#next();
    if (character !== END && (character === quote || "abfnrtv\\".includes(character))) {
      return { character: this.#next(), isLegal: true };
    }
    if (/^[0-7]$/.test(character)) return this.#skipDigits(character, 8, 3);
    const numeric = NUMERIC_ESCAPES.get(character);
    if (numeric !== undefined) return this.#skipDigits(this.#next(), numeric.base, numeric.digits);
    this.#fail("illegal escape sequence");
    return { character, isLegal: false };
  }

  #skipDigits(first: string, base: number, count: number): { readonly character: string; readonly isLegal: boolean } {
    let character = first;
    for (let missing = count; missing > 0; missing--) {
      if (!/^[0-9a-fA-F]$/.test(character) || Number.parseInt(character, 16) >= base) {
        this.#fail("illegal numeric escape sequence");
        return { character, isLegal: false };
      }
      character = this.#next();
    }
    return { character, isLegal: true };
  }
}
