// Single values of protobuf's text format: numbers, booleans, strings, members of enums.
import { type DescEnum, ScalarType } from "@bufbuild/protobuf";
import type { Token, TokenReader } from "./lexer.js";

type ScalarValue = string | number | bigint | boolean | Uint8Array;

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["true", "True", "t", "1"].map((word) => [word, true] as const),
  ...["false", "False", "f", "0"].map((word) => [word, false] as const),
]);
const LARGE = new Set([
  ScalarType.INT64,
  ScalarType.SINT64,
  ScalarType.SFIXED64,
  ScalarType.UINT64,
  ScalarType.FIXED64,
]);

/** Takes one value. Whether it is in range its message tells. */
export function readScalar(tokens: TokenReader, type: ScalarType): ScalarValue {
  const first = tokens.peek();
  switch (type) {
    case ScalarType.STRING:
      return readString(tokens);
    case ScalarType.BYTES:
      return readBytes(tokens);
    case ScalarType.BOOL: {
      const word = tokens.next();
      const value = word.kind === "string" ? undefined : BOOLEANS.get(word.text);
      if (value === undefined) throw unfit(tokens, first, "true or false");
      return value;
    }
    case ScalarType.DOUBLE:
      return readFloat(tokens);
    case ScalarType.FLOAT:
      return Math.fround(readFloat(tokens));
    case ScalarType.INT32:
    case ScalarType.UINT32:
    case ScalarType.SINT32:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return Number(readInteger(tokens));
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return readInteger(tokens);
  }
}

/** What a value is when nobody gives it. */
export function zeroOf(type: ScalarType): ScalarValue {
  if (type === ScalarType.STRING) return "";
  if (type === ScalarType.BYTES) return new Uint8Array();
  if (type === ScalarType.BOOL) return false;
  return LARGE.has(type) ? 0n : 0;
}

/** A member by its name or by its number. */
export function readEnum(tokens: TokenReader, type: DescEnum): number {
  const word = tokens.peek();
  if (word.kind !== "name") return Number(readInteger(tokens));
  const value = type.values.find(({ name }) => name === tokens.peek().text);
  if (value === undefined) throw tokens.problem(word, `${type.typeName} has no value "${word.text}"`);
  tokens.next();
  return value.number;
}

/** Literals that follow each other are one. */
function readBytes(tokens: TokenReader): Uint8Array {
  if (tokens.peek().kind !== "string") throw unfit(tokens, tokens.peek(), "a string");
  const parts: Uint8Array[] = [];
  while (tokens.peek().kind === "string") parts.push(tokens.next().bytes);
  return Buffer.concat(parts);
}

function readString(tokens: TokenReader): string {
  const first = tokens.peek();
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readBytes(tokens));
  } catch (error) {
    if (error instanceof TypeError) throw tokens.problem(first, "the string is not UTF-8", error);
    throw error;
  }
}

function readInteger(tokens: TokenReader): bigint {
  const first = tokens.peek();
  const isNegative = tokens.skip("-");
  const { kind, text } = tokens.next();
  const isOctal = /^0[0-7]+$/.test(text);
  if (kind !== "integer" || (/^0\d/.test(text) && !isOctal)) throw unfit(tokens, first, "an integer");
  const value = BigInt(isOctal ? `0o${text.slice(1)}` : text);
  return isNegative ? -value : value;
}

function readFloat(tokens: TokenReader): number {
  const first = tokens.peek();
  const isNegative = tokens.skip("-");
  const word = tokens.next();
  const value = floatOf(word);
  if (value === undefined) throw unfit(tokens, first, "a number");
  return isNegative ? -value : value;
}

function floatOf({ kind, text }: Token): number | undefined {
  if (kind === "float") return Number(text.replace(/f$/i, ""));
  // Octal and hexadecimal are for integers.
  if (kind === "integer") return /^0./.test(text) ? undefined : Number(text);
  if (kind !== "name") return undefined;
  if (/^inf(inity)?$/i.test(text)) return Number.POSITIVE_INFINITY;
  return /^nan$/i.test(text) ? Number.NaN : undefined;
}

const unfit = (tokens: TokenReader, at: Token, due: string): Error =>
  tokens.problem(
    at,
    `${due} is due, not ${at.kind === "end" ? "the end" : at.kind === "string" ? at.text : `"${at.text}"`}`,
  );
