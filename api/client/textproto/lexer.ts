// The words of protobuf's text format, and a reader that hands them out one by one and knows where each stood.
// @source protobuf docs "Text Format Language Specification"
import { ContainerdError } from "../../core/errors.js";
import { unquote } from "./string-literal.js";

export interface Token {
  readonly kind: "name" | "integer" | "float" | "string" | "symbol" | "end";
  /** As it stands in the source; "" at the end. */
  readonly text: string;
  /** What a string literal stands for; empty for everything else. */
  readonly bytes: Uint8Array;
  /** Where it begins in the source. */
  readonly offset: number;
}

const SPACE = /(?:[ \t\r\n\f\v]|#[^\n]*)*/y;
const FLOAT = /(?:(?:\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)[fF]?|\d+[fF]/y;
const INTEGER = /0[xX][\da-fA-F]+|\d+/y;
const NAME = /[A-Za-z_]\w*/y;
const STRING = /"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*'/y;
const SYMBOL = /[{}<>[\]:,;./-]/y;
const STUCK_TO_A_NUMBER = /[\w.]/y;
const NO_BYTES = new Uint8Array();

/** The tokens of a text, with one of them in view. */
export class TokenReader {
  readonly #source: string;
  #end = 0;
  #next: Token;

  constructor(source: string) {
    this.#source = source;
    this.#next = this.#scan();
  }

  /** The token in view. */
  peek(): Token {
    return this.#next;
  }

  /** Hands out the token in view and goes on to the next. */
  next(): Token {
    const token = this.#next;
    this.#next = this.#scan();
    return token;
  }

  /** Hands out the token in view if it is this symbol. */
  skip(symbol: string): boolean {
    const isThere = this.#next.kind === "symbol" && this.#next.text === symbol;
    if (isThere) this.next();
    return isThere;
  }

  /** What is wrong at a token: `line:column: …`, both from 1. */
  problem({ offset }: Pick<Token, "offset">, what: string, cause?: unknown): ContainerdError {
    const before = this.#source.slice(0, offset).split("\n");
    const place = `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
    return new ContainerdError("invalid_argument", `${place}: ${what}`, { cause });
  }

  #scan(): Token {
    const offset = this.#end + this.#match(SPACE, this.#end).length;
    this.#end = offset;
    if (offset >= this.#source.length) return { kind: "end", text: "", bytes: NO_BYTES, offset };
    const kinds = [
      ["float", FLOAT],
      ["integer", INTEGER],
      ["name", NAME],
      ["string", STRING],
      ["symbol", SYMBOL],
    ] as const;
    for (const [kind, pattern] of kinds) {
      const text = this.#match(pattern, offset);
      if (text === "") continue;
      this.#end = offset + text.length;
      if ((kind === "float" || kind === "integer") && this.#match(STUCK_TO_A_NUMBER, this.#end) !== "") {
        throw this.problem({ offset }, "not a number");
      }
      return { kind, text, bytes: kind === "string" ? this.#unescaped(text, offset) : NO_BYTES, offset };
    }
    const found = String.fromCodePoint(this.#source.codePointAt(offset) ?? 0);
    if (found === '"' || found === "'") throw this.problem({ offset }, "the string does not end on its line");
    throw this.problem({ offset }, `unexpected ${JSON.stringify(found)}`);
  }

  #match(pattern: RegExp, at: number): string {
    pattern.lastIndex = at;
    return pattern.exec(this.#source)?.[0] ?? "";
  }

  #unescaped(literal: string, offset: number): Uint8Array {
    return unquote(literal.slice(1, -1), (at, what) => this.problem({ offset: offset + 1 + at }, what));
  }
}
