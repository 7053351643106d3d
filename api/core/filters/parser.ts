// From the text of one filter to its selectors.
// @source containerd pkg/filters/parser.go
import { isUtf8 } from "node:buffer";
import { invalidArgument } from "../errors.js";
import { quote } from "../quote.js";
import { Scanner, type Token } from "./scanner.js";
import { unquote } from "./unquote.js";

/** How a selector looks at its field. */
export type Operator = "present" | "==" | "!=" | "~=";

/** A text as the filter gives it: undefined stands for bytes that are no UTF-8 and therefore equal no field or value. */
type Text = string | undefined;

export interface ParsedSelector {
  readonly path: readonly Text[];
  readonly operator: Operator;
  /** "" for `present`. */
  readonly value: Text;
}

/** The selectors of one filter, all of which must match. None for "", which matches everything. @throws invalid_argument. */
export function parseFilter(input: string): readonly ParsedSelector[] {
  return input === "" ? [] : new Parser(input).selectors();
}

class Parser {
  readonly #input: string;
  readonly #scanner: Scanner;

  constructor(input: string) {
    // Half a surrogate pair has no bytes; what a client can send has none.
    this.#input = Buffer.from(input).toString();
    this.#scanner = new Scanner(this.#input);
  }

  selectors(): ParsedSelector[] {
    const found = [this.#selector()];
    for (;;) {
      const next = this.#scanner.peek();
      if (next === "") return found;
      if (next !== ",") throw this.#unexpected();
      this.#scanner.scan();
      found.push(this.#selector());
    }
  }

  #selector(): ParsedSelector {
    const path = this.#path();
    const next = this.#scanner.peek();
    if (next === "" || next === ",") return { path, operator: "present", value: "" };
    const operator = this.#operator();
    return { path, operator, value: this.#value(operator) };
  }

  #path(): Text[] {
    const path = [this.#field()];
    while (this.#scanner.peek() === ".") {
      this.#scanner.scan();
      path.push(this.#field());
    }
    return path;
  }

  #field(): Text {
    const token = this.#scanner.scan();
    if (token.kind === "field") return token.text;
    if (token.kind === "quoted") return this.#unquote(token, false);
    throw this.#error(token.position, token.kind === "illegal" ? token.text : "expected field or quoted");
  }

  #operator(): Operator {
    const { kind, position, text } = this.#scanner.scan();
    if (kind === "operator") {
      if (text === "==" || text === "!=" || text === "~=") return text;
      throw this.#error(position, `unsupported operator ${quote(text)}`);
    }
    throw this.#error(position, kind === "illegal" ? text : 'expected an operator ("=="|"!="|"~=")');
  }

  #value(operator: Operator): Text {
    const token = this.#scanner.scan();
    if (token.kind === "value" || token.kind === "field") return token.text;
    if (token.kind === "quoted") return this.#unquote(token, operator === "~=");
    throw this.#error(token.position, token.kind === "illegal" ? token.text : "expected value or quoted");
  }

  #unquote(token: Token, isPattern: boolean): Text {
    if (!isPattern && !token.text.startsWith('"')) throw this.#error(token.position, "invalid quote encountered");
    const bytes = unquote(token.text);
    if (bytes === undefined) throw this.#error(token.position, "unquoting failed: quote syntax error");
    return isUtf8(bytes) ? bytes.toString() : undefined;
  }

  #unexpected(): Error {
    const { offset } = this.#scanner;
    const character = Buffer.from(this.#input).subarray(offset).toString();
    // A NUL is no character to the scanner, and Go prints such a thing as the replacement character.
    const [shown = ""] = character.replace(/^\0/, "\ufffd");
    return this.#error(offset, `unexpected input: ${String.fromCodePoint(shown.codePointAt(0) ?? 0)}`);
  }

  /** The input with one byte of it marked, or all of it when the trouble is its end. */
  #error(position: number, reason: string): Error {
    const bytes = Buffer.from(this.#input);
    const [before, marked, after] = [
      bytes.subarray(0, position),
      bytes.subarray(position, position + 1),
      bytes.subarray(position + 1),
    ].map(String);
    const place = position < bytes.length ? `[${before} >|${marked}|< ${after}]` : `[${bytes}]`;
    return invalidArgument(`filters: parse error: ${place}: ${reason}`);
  }
}
