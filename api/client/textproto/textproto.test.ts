// The text format, held against the one of @bufbuild/protobuf for whatever message, and against C++'s output where that differs.
import { readFileSync } from "node:fs";
import {
  create,
  createFileRegistry,
  type DescField,
  type DescMessage,
  equals,
  type Message,
  type Registry,
  ScalarType,
} from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { fromText, toText } from "@bufbuild/protobuf/txtpb";
import {
  DescriptorProtoSchema,
  FieldDescriptorProtoSchema,
  FileDescriptorProtoSchema,
  file_google_protobuf_any,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errorKind } from "../../core/errors.js";
import { parseText } from "./parse.js";
import { printText } from "./print.js";
import { MessageTypes } from "./types.js";

const types = MessageTypes.ofImage(readFileSync(new URL("../../gen/api.binpb", import.meta.url)));
const API = "chromiumos.test.api";
const STACK = types.message(`${API}.StackCommandsRequest`);
const { type: KINDS, registry } = everyKind();

/** A message with every kind of field, once alone (`f_…`), once repeated (`r_…`), and maps. */
function everyKind(): { readonly type: DescMessage; readonly registry: Registry } {
  const scalars = Object.entries(Type).filter(([, value]) => typeof value === "number" && value !== Type.GROUP);
  const typeNames: Partial<Record<number, string>> = { [Type.MESSAGE]: ".t.Kinds", [Type.ENUM]: ".t.Color" };
  const field = (name: string, number: number, type: Type, more: { typeName?: string; label?: Label } = {}) =>
    create(FieldDescriptorProtoSchema, {
      name,
      number,
      type,
      label: more.label ?? Label.OPTIONAL,
      typeName: more.typeName ?? typeNames[type] ?? "",
    });
  const entry = (name: string, key: Type, value: Type) =>
    create(DescriptorProtoSchema, {
      name,
      field: [field("key", 1, key), field("value", 2, value)],
      options: { mapEntry: true },
    });
  const repeated = { label: Label.REPEATED };
  const file = create(FileDescriptorProtoSchema, {
    name: "t.proto",
    package: "t",
    syntax: "proto3",
    dependency: ["google/protobuf/any.proto"],
    enumType: [
      {
        name: "Color",
        value: [
          { name: "NONE", number: 0 },
          { name: "RED", number: 1 },
          { name: "DARK", number: -2 },
        ],
      },
    ],
    messageType: [
      {
        name: "Kinds",
        nestedType: [entry("WordsEntry", Type.STRING, Type.INT64), entry("NodesEntry", Type.SINT32, Type.MESSAGE)],
        oneofDecl: [{ name: "choice" }],
        field: [
          ...scalars.map(([name, type], index) => field(`f_${name.toLowerCase()}`, index + 1, Number(type))),
          ...scalars.map(([name, type], index) =>
            field(`r_${name.toLowerCase()}`, index + 101, Number(type), repeated),
          ),
          field("words", 201, Type.MESSAGE, { ...repeated, typeName: ".t.Kinds.WordsEntry" }),
          field("nodes", 202, Type.MESSAGE, { ...repeated, typeName: ".t.Kinds.NodesEntry" }),
          { ...field("one", 203, Type.STRING), oneofIndex: 0 },
          { ...field("two", 204, Type.BOOL), oneofIndex: 0 },
          field("any", 205, Type.MESSAGE, { typeName: ".google.protobuf.Any" }),
        ],
      },
    ],
  });
  const made = createFileRegistry(file, (name) => {
    return name === "google/protobuf/any.proto" ? file_google_protobuf_any : undefined;
  });
  const type = made.getMessage("t.Kinds");
  if (type === undefined) throw new Error("t.Kinds was not made");
  return { type, registry: made };
}

function scalarOf(type: ScalarType): fc.Arbitrary<unknown> {
  switch (type) {
    case ScalarType.STRING:
      return fc.string({ unit: "grapheme" });
    case ScalarType.BYTES:
      return fc.uint8Array();
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.DOUBLE:
      return fc.double({ noNaN: true });
    case ScalarType.FLOAT:
      return fc.float({ noNaN: true });
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      return fc.integer({ min: 0, max: 2 ** 32 - 1 });
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      return fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
    case ScalarType.INT64:
    case ScalarType.SINT64:
    case ScalarType.SFIXED64:
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      return fc.integer();
  }
}

function anyValue(field: DescField, depth: number): fc.Arbitrary<unknown> {
  if (field.message !== undefined) return messageOf(field.message, depth - 1);
  return field.enum === undefined ? scalarOf(field.scalar) : fc.constantFrom(0, 1, 77);
}

/** Any message of a type, a few levels deep. */
function messageOf(type: DescMessage, depth: number): fc.Arbitrary<ReflectMessage> {
  const fields = type.fields.filter(({ message }) => message === undefined || depth > 0);
  if (fields.length === 0) return fc.constant(null).map(() => reflect(type));
  const setters = fields.map((field) => {
    const set = (put: (message: ReflectMessage) => unknown) => put;
    if (field.fieldKind === "list") {
      return fc.array(anyValue(field, depth), { maxLength: 3 }).map((items) =>
        set((message) => {
          for (const item of items) message.get(field).add(item);
        }),
      );
    }
    if (field.fieldKind === "map") {
      return fc.array(fc.tuple(scalarOf(field.mapKey), anyValue(field, depth)), { maxLength: 3 }).map((entries) =>
        set((message) => {
          for (const [key, value] of entries) message.get(field).set(key, value);
        }),
      );
    }
    return anyValue(field, depth).map((value) => set((message) => message.set(field, value)));
  });
  return fc.subarray(setters, { maxLength: Math.min(setters.length, 6) }).chain((chosen) =>
    fc.tuple(...chosen).map((puts) => {
      const message = reflect(type);
      for (const put of puts) put(message);
      return message;
    }),
  );
}

/** What a function makes, or what it throws. */
function tried<T>(make: () => T): readonly [T | undefined, unknown] {
  try {
    return [make(), undefined];
  } catch (error) {
    return [undefined, error];
  }
}

const parse = (text: string, type = KINDS): Message => parseText(type, text, registry);
const print = (text: string, type = KINDS): string => printText(type, parse(text, type));

describe.each([
  ["every kind of field", KINDS],
  ["StackCommandsRequest", STACK],
])("a message of %s", (_, type) => {
  test("comes back from its text, also through the library's reader and from the library's writer", () => {
    fc.assert(
      fc.property(messageOf(type, 3), ({ message }) => {
        const text = printText(type, message);
        expect(text).toMatch(/^[\x20-\x7e\n]*$/);
        const texts = [text, toText(type, message)];
        for (const each of texts) expect(equals(type, parseText(type, each, registry), message)).toBe(true);
        expect(equals(type, fromText(type, text), message)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("is refused with a place, or read as the library reads it, whatever becomes of its text", () => {
    fc.assert(
      fc.property(messageOf(type, 2), fc.nat(), fc.string({ maxLength: 2 }), ({ message }, at, inserted) => {
        const text = printText(type, message);
        const cut = at % (text.length + 1);
        const broken = text.slice(0, cut) + inserted + text.slice(cut + 1);
        const [read, refusal] = tried(() => parseText(type, broken, registry));
        const [wanted] = tried(() => fromText(type, broken, { registry }));
        if (read !== undefined && wanted !== undefined) expect(equals(type, wanted, read)).toBe(true);
        if (refusal === undefined) return;
        expect(errorKind(refusal)).toBe("invalid_argument");
        expect(String(refusal)).toMatch(/ContainerdError: \d+:\d+: ./);
      }),
      { numRuns: 300 },
    );
  });
});

test.each([
  ["", ""],
  ["f_int32: 5 # five", "f_int32: 5\n"],
  ["f_int32:-0x1F,f_uint32:017;", "f_int32: -31\nf_uint32: 15\n"],
  ["f_enum: RED r_enum: [DARK, 1, 9]", "f_enum: RED\nr_enum: DARK\nr_enum: RED\nr_enum: 9\n"],
  ["f_message < f_bool: t >", "f_message {\n  f_bool: true\n}\n"],
  ["f_message: { f_message {} }", "f_message {\n  f_message {\n  }\n}\n"],
  ["r_message [{ f_bool: True }, < >] r_int32: []", "r_message {\n  f_bool: true\n}\nr_message {\n}\n"],
  [`f_string: "a" 'b"' "\\x63\\144"`, 'f_string: "ab\\"cd"\n'],
  ["f_string: 'é\\n\\t\\'\\u20ac\\U0001F600'", 'f_string: "\\303\\251\\n\\t\\\'\\342\\202\\254\\360\\237\\230\\200"\n'],
  ["f_bytes: '\\377\\0\\x7f'", 'f_bytes: "\\377\\000\\177"\n'],
  ["f_double: 1.5e3 f_float: .1f", "f_double: 1500\nf_float: 0.1\n"],
  [
    "r_double: [1e21, 1e-5, 0.1, 123456789012345678, -inf, nan, -0.0]",
    ["1e+21", "1e-05", "0.1", "1.2345678901234568e+17", "-inf", "nan", "-0"].map((n) => `r_double: ${n}\n`).join(""),
  ],
  ["r_float: [3.4e38, 16777217, -Infinity]", "r_float: 3.4e+38\nr_float: 16777216\nr_float: -inf\n"],
  [
    "words { key: 'b' value: 2 } words { value: 1 }",
    'words {\n  key: ""\n  value: 1\n}\nwords {\n  key: "b"\n  value: 2\n}\n',
  ],
  ["nodes [{ key: 1 value { one: '' } }]", 'nodes {\n  key: 1\n  value {\n    one: ""\n  }\n}\n'],
  [
    "any { [type.googleapis.com/t.Kinds] { f_int32: 1 } }",
    'any {\n  type_url: "type.googleapis.com/t.Kinds"\n  value: "(\\001"\n}\n',
  ],
])("%j prints as C++ prints it", (given, want) => {
  expect(print(given)).toBe(want);
});

test.each([
  ["nope: 1", '1:1: t.Kinds has no field "nope"'],
  ["f_int32: 1\n  f_message { nope: 1 }", '2:15: t.Kinds has no field "nope"'],
  ["f_int32: 1 f_int32: 2", '1:12: "f_int32" is given twice'],
  ["one: 'a' two: true", '1:10: "two" beside another member of oneof choice'],
  ["f_int32 1", '1:9: ":" is due after "f_int32", not "1"'],
  ["f_int32: 'a'", "1:10: an integer is due, not 'a'"],
  ["f_int32: 08", '1:10: an integer is due, not "08"'],
  ["f_int32: 1x", "1:10: not a number"],
  ["f_string: a", '1:11: a string is due, not "a"'],
  ["f_string: 'a\nb'", "1:11: the string does not end on its line"],
  ["f_string: '\\q'", "1:12: no such escape"],
  ["f_string: '\\400'", "1:12: \\400 stands for no character"],
  ["f_string: '\\ud800'", "1:12: \\ud800 stands for no character"],
  ["f_string: '\\377'", "1:11: the string is not UTF-8"],
  ["f_bool: 2", '1:9: true or false is due, not "2"'],
  ["f_double: 0x1", '1:11: a number is due, not "0x1"'],
  ["f_enum: BLUE", '1:9: t.Color has no value "BLUE"'],
  ["f_message 1", '1:11: "{" is due, not "1"'],
  ["f_message {", "1:12: a field's name is due, not the end"],
  ["f_message { >", '1:13: a field\'s name is due, not ">"'],
  ["r_int32: [1 2]", '1:13: "," or "]" is due, not "2"'],
  ["r_int32: [1,]", '1:13: an integer is due, not "]"'],
  ["words { key: 'a' key: 'b' }", '1:18: "key" is given twice'],
  ["words { name: 'a' }", '1:9: "key" or "value" is due, not "name"'],
  ["[t.ext]: 1", '1:1: t.Kinds has no extension "t.ext"'],
  ["any { [type.googleapis.com/t.None] {} }", '1:7: google.protobuf.Any has no extension "type.googleapis.com/t.None"'],
  ["any { [t", '1:7: "]" is missing'],
  ["f_int32: 1,,", '1:12: a field\'s name is due, not ","'],
  ["é: 1", '1:1: unexpected "é"'],
  ["f_message { ".repeat(100), "1:1201: more than 100 messages in each other"],
])("%.60j is refused: %s", (given, want) => {
  expect(() => parse(given)).toThrow(expect.objectContaining({ kind: "invalid_argument", message: want }));
});

test("a value out of its range is refused where it stands", () => {
  expect(() => parse("f_int32:\n 3000000000")).toThrow(/^2:2: .*3000000000/);
  expect(() => parse("r_uint32: [1, -1]")).toThrow(/^1:15: .*-1/);
});

describe("the messages of the API", () => {
  const network = types.message(`${API}.GetNetworkResponse`);

  test("go from text to bytes and back, in both formats", () => {
    const bytes = types.encode(network, "network { owned: true name: 'bridge' }", "textproto");
    expect(types.print(network, bytes, "textproto")).toBe('network {\n  name: "bridge"\n  owned: true\n}\n');
    const json = types.print(network, bytes, "json");
    expect(json).toBe('{\n  "network": {\n    "name": "bridge",\n    "owned": true\n  }\n}\n');
    expect(types.encode(network, json, "json")).toEqual(bytes);
  });

  test("what is no message in JSON is an invalid argument", () => {
    for (const bad of ["{", '{ "nope": 1 }', '{ "network": 3 }']) {
      expect(() => types.encode(network, bad, "json")).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
    }
  });

  test("fields that the image does not know are printed by number", () => {
    const unknown = types.encode(
      types.message(`${API}.Container`),
      "name: 'n' port_bindings { protocol: 'tcp' host_port: 7 }",
      "textproto",
    );
    const text = types.print(types.message(`${API}.ShutdownResponse`), unknown, "textproto");
    expect(text).toBe('1: "n"\n4 {\n  2: "tcp"\n  4: 7\n}\n');
  });

  test("a service tells its methods in their order, an unknown one is not found", () => {
    expect(types.methods(`${API}.CrosToolRunnerContainerService`).map(({ name }) => name)).toEqual([
      ...["CreateNetwork", "GetNetwork", "Shutdown", "LoginRegistry", "StartContainer", "StartTemplatedContainer"],
      ...["StackCommands", "GetContainer"],
    ]);
    expect(() => types.methods("no.Such")).toThrow(expect.objectContaining({ kind: "not_found" }));
    expect(() => types.message("no.Such")).toThrow(expect.objectContaining({ kind: "not_found" }));
  });
});
