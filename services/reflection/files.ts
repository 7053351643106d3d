// The files of a descriptor image, each still encoded, and which of them some services need.
import { BinaryReader } from "@bufbuild/protobuf/wire";

/** The files of an encoded google.protobuf.FileDescriptorSet. */
export function filesOf(image: Uint8Array): Uint8Array[] {
  return fieldsOf(image).flatMap(([field, bytes]) => (field === FILE ? [bytes] : []));
}

/** Those that declare one of these services, and what these import. */
export function filesNeededBy(services: readonly string[], files: readonly Uint8Array[]): Uint8Array[] {
  const read = files.map((file) => ({ file, ...contentsOf(file) }));
  const byName = new Map(read.map((each) => [each.name, each]));
  const needed = new Set<(typeof read)[number]>();
  const need = (each: (typeof read)[number] | undefined): void => {
    if (each === undefined || needed.has(each)) return;
    needed.add(each);
    for (const name of each.imports) need(byName.get(name));
  };
  for (const each of read) if (each.services.some((name) => services.includes(name))) need(each);
  return read.filter((each) => needed.has(each)).map(({ file }) => file);
}

/** Numbers of fields in descriptor.proto. */
const FILE = 1;
const NAME = 1;
const PACKAGE = 2;
const DEPENDENCY = 3;
const SERVICE = 6;

function contentsOf(file: Uint8Array) {
  const fields = fieldsOf(file);
  const texts = (wanted: number): string[] =>
    fields.flatMap(([field, bytes]) => (field === wanted ? [text(bytes)] : []));
  const prefix = texts(PACKAGE).map((name) => `${name}.`)[0] ?? "";
  const services = fields.flatMap(([field, bytes]) => (field === SERVICE ? [bytes] : []));
  return {
    name: texts(NAME)[0] ?? "",
    imports: texts(DEPENDENCY),
    services: services.map(
      (service) =>
        prefix +
        fieldsOf(service)
          .flatMap(([field, bytes]) => (field === NAME ? [text(bytes)] : []))
          .join(""),
    ),
  };
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** The fields of a message that have a length; the others do not matter here. */
function fieldsOf(message: Uint8Array): (readonly [number, Uint8Array])[] {
  const reader = new BinaryReader(message);
  const fields: (readonly [number, Uint8Array])[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (wireType === WITH_LENGTH) fields.push([field, reader.bytes()]);
    else reader.skip(wireType);
  }
  return fields;
}

const WITH_LENGTH = 2;
