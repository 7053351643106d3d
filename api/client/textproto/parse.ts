// From protobuf's text format to a message, as strict as C++ is: unknown names, values that do not fit and a field that is given
// twice are refused, with the line and the column.
// @source protobuf docs "Text Format Language Specification", text_format.cc
import type { DescField, DescMessage, Message, Registry } from "@bufbuild/protobuf";
import { type ReflectList, type ReflectMap, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { type Token, TokenReader } from "./lexer.js";
import { packAny } from "./pack-any.js";
import { readEnum, readScalar, zeroOf } from "./scalar.js";

/** Messages in messages; more is refused before the stack is. */
const DEEPEST = 100;

interface Context {
  readonly tokens: TokenReader;
  /** Where `[type.googleapis.com/…] { }` in an Any finds its types. */
  readonly registry: Registry;
}

/** @throws invalid_argument, `line:column: …` */
export function parseText(type: DescMessage, text: string, registry: Registry): Message {
  const message = reflect(type);
  readFields({ tokens: new TokenReader(text), registry }, message, "", 1);
  return message.message;
}

/** Fields up to `close`, which is taken as well; "" for the end of the text. */
function readFields(ctx: Context, message: ReflectMessage, close: string, depth: number): void {
  const { tokens } = ctx;
  if (depth > DEEPEST) throw tokens.problem(tokens.peek(), `more than ${DEEPEST} messages in each other`);
  const seen = new Set<string>();
  while (!(close === "" ? tokens.peek().kind === "end" : tokens.skip(close))) {
    readField(ctx, message, seen, depth);
    if (!tokens.skip(",")) tokens.skip(";");
  }
}

function readField(ctx: Context, message: ReflectMessage, seen: Set<string>, depth: number): void {
  const { tokens } = ctx;
  const name = tokens.next();
  if (name.kind === "symbol" && name.text === "[") {
    readPacked(ctx, message, name, depth);
    return;
  }
  if (name.kind !== "name") throw tokens.problem(name, `a field's name is due, not ${described(name)}`);
  const field = message.fields.find((each) => each.name === name.text);
  if (field === undefined) throw tokens.problem(name, `${message.desc.typeName} has no field "${name.text}"`);
  if (field.fieldKind !== "list" && field.fieldKind !== "map") refuseSecond(tokens, name, field, seen);
  const hasColon = tokens.skip(":");
  if (!hasColon && field.message === undefined && field.fieldKind !== "map") {
    throw tokens.problem(tokens.peek(), `":" is due after "${name.text}", not ${described(tokens.peek())}`);
  }
  readValue(ctx, message, field, depth);
}

function refuseSecond(tokens: TokenReader, name: Token, field: DescField, seen: Set<string>): void {
  if (seen.has(field.name)) throw tokens.problem(name, `"${field.name}" is given twice`);
  seen.add(field.name);
  if (field.oneof === undefined) return;
  const group = `oneof ${field.oneof.name}`;
  if (seen.has(group)) throw tokens.problem(name, `"${field.name}" beside another member of ${group}`);
  seen.add(group);
}

function readValue(ctx: Context, message: ReflectMessage, field: DescField, depth: number): void {
  const { tokens } = ctx;
  if (field.fieldKind === "list") {
    const list: ReflectList = message.get(field);
    readEach(tokens, (first) => {
      const value = readOne(ctx, field, depth);
      fitting(tokens, first, () => list.add(value));
    });
  } else if (field.fieldKind === "map") {
    const map: ReflectMap = message.get(field);
    readEach(tokens, (first) => {
      const [key, value] = readEntry(ctx, field, depth + 1);
      fitting(tokens, first, () => map.set(key, value));
    });
  } else {
    const first = tokens.peek();
    const value = readOne(ctx, field, depth);
    fitting(tokens, first, () => message.set(field, value));
  }
}

/** One value of a field, of a list or of a map. */
function readOne(ctx: Context, field: DescField, depth: number): unknown {
  if (field.message !== undefined) return readMessage(ctx, field.message, depth);
  return field.enum === undefined ? readScalar(ctx.tokens, field.scalar) : readEnum(ctx.tokens, field.enum);
}

/** One value, or any number of them in brackets. */
function readEach(tokens: TokenReader, read: (first: Token) => void): void {
  if (!tokens.skip("[")) read(tokens.peek());
  else if (!tokens.skip("]")) {
    do read(tokens.peek());
    while (tokens.skip(","));
    if (!tokens.skip("]")) throw tokens.problem(tokens.peek(), `"," or "]" is due, not ${described(tokens.peek())}`);
  }
}

function readMessage(ctx: Context, type: DescMessage, depth: number): ReflectMessage {
  const message = reflect(type);
  readFields(ctx, message, openBlock(ctx.tokens), depth + 1);
  return message;
}

/** Takes the opening of a block and tells how it will close. */
function openBlock(tokens: TokenReader): string {
  if (tokens.skip("{")) return "}";
  if (tokens.skip("<")) return ">";
  throw tokens.problem(tokens.peek(), `"{" is due, not ${described(tokens.peek())}`);
}

/** `{ key: … value: … }`; what is left out is zero. */
function readEntry(ctx: Context, field: DescField & { fieldKind: "map" }, depth: number): readonly [unknown, unknown] {
  const { tokens } = ctx;
  const close = openBlock(tokens);
  const entry = new Map<string, unknown>();
  while (!tokens.skip(close)) {
    const name = tokens.next();
    if (name.text !== "key" && name.text !== "value") {
      throw tokens.problem(name, `"key" or "value" is due, not ${described(name)}`);
    }
    if (entry.has(name.text)) throw tokens.problem(name, `"${name.text}" is given twice`);
    const isMessage = name.text === "value" && field.message !== undefined;
    if (!tokens.skip(":") && !isMessage) throw tokens.problem(tokens.peek(), `":" is due after "${name.text}"`);
    entry.set(name.text, name.text === "key" ? readScalar(tokens, field.mapKey) : readOne(ctx, field, depth));
    if (!tokens.skip(",")) tokens.skip(";");
  }
  const zero =
    field.mapKind === "message" ? reflect(field.message) : field.mapKind === "enum" ? 0 : zeroOf(field.scalar);
  return [entry.get("key") ?? zeroOf(field.mapKey), entry.get("value") ?? zero];
}

/** `[type.googleapis.com/pkg.Message] { … }` in an Any; its bracket has been taken. */
function readPacked(ctx: Context, message: ReflectMessage, bracket: Token, depth: number): void {
  const { tokens, registry } = ctx;
  let name = "";
  while (!tokens.skip("]")) {
    const part = tokens.next();
    if (part.kind === "end") throw tokens.problem(bracket, `"]" is missing`);
    name += part.text;
  }
  const type = registry.getMessage(name.slice(name.lastIndexOf("/") + 1));
  if (message.desc.typeName !== "google.protobuf.Any" || type === undefined) {
    throw tokens.problem(bracket, `${message.desc.typeName} has no extension "${name}"`);
  }
  tokens.skip(":");
  packAny(message, name, readMessage(ctx, type, depth));
}

/** Ranges and UTF-8 are looked at when a value is put into its message. */
function fitting(tokens: TokenReader, at: Token, put: () => unknown): void {
  try {
    put();
  } catch (error) {
    throw tokens.problem(at, error instanceof Error ? error.message : String(error), error);
  }
}

const described = ({ kind, text }: Token): string =>
  kind === "end" ? "the end" : kind === "string" ? text : `"${text}"`;
