// The wire tables under test/fixtures/wire, and our own descriptors brought into the same form.
import { readdirSync, readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  type FileDescriptorProto,
  FileDescriptorSetSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

export interface FieldTable {
  n: number;
  t: string;
  kind?: "enum";
  label?: "repeated" | "optional" | "required";
  oneof?: string;
  packed?: boolean;
}

export interface RpcTable {
  in: string;
  out: string;
  client_stream?: boolean;
  server_stream?: boolean;
}

/** One protobuf package. */
export interface PackageTable {
  messages: Record<string, { fields: Record<string, FieldTable> }>;
  services: Record<string, Record<string, RpcTable>>;
  enums: Record<string, Record<string, number>>;
}

export type Tables = ReadonlyMap<string, PackageTable>;

/** APIs that share names and are therefore never looked at together: today's, and containerd's of May 2017. */
export type Generation = "today" | "2017";

const FIXTURES = {
  today: new URL("../fixtures/wire/", import.meta.url),
  "2017": new URL("../fixtures/wire-2017/", import.meta.url),
};
const IMAGES = {
  today: new URL("../../api/gen/api.binpb", import.meta.url),
  "2017": new URL("../../api/gen/v2017/api.binpb", import.meta.url),
};

/** What the world speaks, by package. */
export function readWireTables(generation: Generation = "today"): Tables {
  const folder = FIXTURES[generation];
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  return new Map(
    files.map((name) => {
      const table = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as PackageTable & { package: string };
      return [table.package, table];
    }),
  );
}

/** What we speak: the descriptors compiled from our protos. */
export function readOwnTables(generation: Generation = "today"): Tables {
  const bytes = readFileSync(IMAGES[generation]);
  const tables = new Map<string, PackageTable>();
  for (const file of fromBinary(FileDescriptorSetSchema, bytes).file) {
    const table = tables.get(file.package) ?? { messages: {}, services: {}, enums: {} };
    tables.set(file.package, table);
    for (const message of file.messageType) addMessage(table, file, message, "");
    for (const type of file.enumType) addEnum(table, type, "");
    for (const service of file.service) {
      table.services[service.name] = Object.fromEntries(
        service.method.map((method) => [
          method.name,
          {
            in: bare(method.inputType),
            out: bare(method.outputType),
            ...(method.clientStreaming ? { client_stream: true } : {}),
            ...(method.serverStreaming ? { server_stream: true } : {}),
          },
        ]),
      );
    }
  }
  return tables;
}

/** The numbers that a message of ours, named in full and not nested, keeps free. */
export function readReservedNumbers(message: string): number[] {
  const bytes = readFileSync(IMAGES.today);
  const found = fromBinary(FileDescriptorSetSchema, bytes)
    .file.flatMap((file) => file.messageType.map((type) => ({ name: `${file.package}.${type.name}`, type })))
    .find(({ name }) => name === message);
  const ranges = found?.type.reservedRange ?? [];
  return ranges.flatMap(({ start, end }) => Array.from({ length: end - start }, (_, index) => start + index));
}

const bare = (typeName: string): string => typeName.replace(/^\./, "");

function addEnum(table: PackageTable, type: EnumDescriptorProto, outer: string): void {
  table.enums[outer + type.name] = Object.fromEntries(type.value.map(({ name, number }) => [name, number]));
}

function addMessage(table: PackageTable, file: FileDescriptorProto, message: DescriptorProto, outer: string): void {
  const name = outer + message.name;
  const prefix = `${name}.`;
  const entries = new Map(
    message.nestedType
      .filter(({ options }) => options?.mapEntry === true)
      .map((entry) => [`${file.package}.${prefix}${entry.name}`, entry]),
  );
  table.messages[name] = {
    fields: Object.fromEntries(message.field.map((field) => [field.name, fieldTable(file, message, field, entries)])),
  };
  for (const nested of message.nestedType) {
    if (nested.options?.mapEntry !== true) addMessage(table, file, nested, prefix);
  }
  for (const type of message.enumType) addEnum(table, type, prefix);
}

function typeOf(field: FieldDescriptorProto | undefined): string {
  if (field === undefined) return "nothing";
  return field.typeName === "" ? (Type[field.type]?.toLowerCase() ?? String(field.type)) : bare(field.typeName);
}

const isScalarOrEnum = ({ type }: FieldDescriptorProto): boolean =>
  ![Type.STRING, Type.BYTES, Type.MESSAGE, Type.GROUP].includes(type);

function fieldTable(
  file: FileDescriptorProto,
  message: DescriptorProto,
  field: FieldDescriptorProto,
  entries: ReadonlyMap<string, DescriptorProto>,
): FieldTable {
  const entry = entries.get(bare(field.typeName));
  if (entry !== undefined) {
    const [key, value] = [1, 2].map((wanted) => entry.field.find(({ number }) => number === wanted));
    return { n: field.number, t: `map<${typeOf(key)},${typeOf(value)}>` };
  }
  const table: FieldTable = { n: field.number, t: typeOf(field) };
  if (field.type === Type.ENUM) table.kind = "enum";
  if (field.label === Label.REPEATED) {
    table.label = "repeated";
    const isPackable = isScalarOrEnum(field);
    if (isPackable && file.syntax === "proto3" && field.options?.packed === false) table.packed = false;
    if (isPackable && file.syntax !== "proto3" && field.options?.packed === true) table.packed = true;
  } else if (field.label === Label.REQUIRED) {
    table.label = "required";
  } else if (field.proto3Optional || file.syntax !== "proto3") {
    table.label = "optional";
  }
  const oneof = isInOneof(field) ? message.oneofDecl[field.oneofIndex]?.name : undefined;
  if (oneof !== undefined) table.oneof = oneof;
  return table;
}

/** Explicit presence makes a oneof of its own, which is no oneof to anybody who reads the file. */
const isInOneof = (field: FieldDescriptorProto): boolean => !field.proto3Optional && Object.hasOwn(field, "oneofIndex");
