// From a message to protobuf's text format, as C++ prints it and so grpc_cli: fields by number, two spaces for each level, strings in
// ASCII, no colon before a brace.
// @source protobuf text_format.cc
import { type DescField, type DescMessage, type Message, ScalarType, type UnknownField } from "@bufbuild/protobuf";
import { isReflectMessage, type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { floatText } from "./float-text.js";
import { quoteBytes } from "./string-literal.js";

/** Every line ends with a newline; a message without fields is "". */
export function printText(type: DescMessage, message: Message): string {
  return linesOf(reflect(type, message))
    .map((line) => `${line}\n`)
    .join("");
}

function linesOf(message: ReflectMessage): string[] {
  const known = message.sortedFields
    .filter((field) => message.isSet(field))
    .flatMap((field) => fieldLines(message, field));
  return [...known, ...(message.getUnknown() ?? []).flatMap(unknownLines)];
}

function fieldLines(message: ReflectMessage, field: DescField): string[] {
  const { name } = field;
  switch (field.fieldKind) {
    case "message":
      return block(name, linesOf(message.get(field)));
    case "scalar":
    case "enum":
      return [`${name}: ${valueText(field, message.get(field))}`];
    case "list":
      return [...message.get(field)].flatMap((item) =>
        isReflectMessage(item) ? block(name, linesOf(item)) : [`${name}: ${valueText(field, item)}`],
      );
    case "map": {
      const entries = [...message.get(field)].sort(([a], [b]) => compareKeys(a, b));
      return entries.flatMap(([key, value]) =>
        block(name, [
          `key: ${scalarText(field.mapKey, key)}`,
          ...(isReflectMessage(value) ? block("value", linesOf(value)) : [`value: ${valueText(field, value)}`]),
        ]),
      );
    }
  }
}

const block = (name: string, lines: readonly string[]): string[] => [
  `${name} {`,
  ...lines.map((line) => `  ${line}`),
  "}",
];

/** A number of an enum that has no name stays a number. */
function valueText(field: DescField, value: unknown): string {
  if (field.enum !== undefined) return field.enum.values.find(({ number }) => number === value)?.name ?? String(value);
  return scalarText(field.scalar ?? ScalarType.STRING, value);
}

function scalarText(type: ScalarType, value: unknown): string {
  if (typeof value === "string") return quoteBytes(Buffer.from(value));
  if (value instanceof Uint8Array) return quoteBytes(value);
  if (typeof value === "number") {
    if (type === ScalarType.DOUBLE) return floatText(value, "double");
    if (type === ScalarType.FLOAT) return floatText(value, "float");
  }
  return String(value);
}

function compareKeys(a: unknown, b: unknown): number {
  if (typeof a === "string" && typeof b === "string") return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (typeof a === "bigint" && typeof b === "bigint") return a < b ? -1 : Number(a > b);
  return Number(a) - Number(b);
}

/** By number. Bytes that could be a message are shown as one. */
function unknownLines({ no, wireType, data }: UnknownField): string[] {
  const reader = new BinaryReader(data);
  switch (wireType) {
    case WireType.Varint:
      return [`${no}: ${BigInt(reader.uint64())}`];
    case WireType.Bit32:
      return [`${no}: 0x${reader.fixed32().toString(16).padStart(8, "0")}`];
    case WireType.Bit64:
      return [`${no}: 0x${BigInt(reader.fixed64()).toString(16).padStart(16, "0")}`];
    case WireType.LengthDelimited: {
      const bytes = reader.bytes();
      const fields = asFields(bytes);
      return fields === undefined ? [`${no}: ${quoteBytes(bytes)}`] : block(String(no), fields.flatMap(unknownLines));
    }
    case WireType.StartGroup:
    case WireType.EndGroup:
      return block(String(no), asFields(data)?.flatMap(unknownLines) ?? []);
  }
}

function asFields(bytes: Uint8Array): UnknownField[] | undefined {
  const reader = new BinaryReader(bytes);
  const fields: UnknownField[] = [];
  try {
    while (reader.pos < reader.len) {
      const [no, wireType] = reader.tag();
      // Groups are of an age before this API.
      if (wireType === WireType.StartGroup || wireType === WireType.EndGroup) return undefined;
      fields.push({ no, wireType, data: reader.skip(wireType, no) });
    }
  } catch {
    return undefined;
  }
  return fields.length === 0 ? undefined : fields;
}
