// The messages and services of the API by name, as their descriptors tell them, and what a message can be read from and written
// as. This is for programs that take a message as text; everything else uses the generated code.
import {
  create,
  createFileRegistry,
  type DescMessage,
  type DescMethod,
  type FileRegistry,
  fromBinary,
  fromJsonString,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf";
import { type FileDescriptorProto, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { invalidArgument, notFound } from "../../core/errors.js";
import { parseText } from "./parse.js";
import { printText } from "./print.js";

/** How a message can be written down. */
export const MESSAGE_FORMATS = ["textproto", "json"] as const;
export type MessageFormat = (typeof MESSAGE_FORMATS)[number];

/** Reads and writes the messages that files declare. */
export class MessageTypes {
  readonly #registry: FileRegistry;

  /** @param files of all that they import as well, in any order */
  constructor(files: readonly FileDescriptorProto[]) {
    this.#registry = createFileRegistry(create(FileDescriptorSetSchema, { file: importsFirst(files) }));
  }

  /** @param image an encoded google.protobuf.FileDescriptorSet */
  static ofImage(image: Uint8Array): MessageTypes {
    return new MessageTypes(fromBinary(FileDescriptorSetSchema, image).file);
  }

  /** @throws not_found for a name that no file has */
  message(name: string): DescMessage {
    const found = this.#registry.getMessage(name);
    if (found === undefined) throw notFound(`message type ${name}`);
    return found;
  }

  /** The methods of a service in the order of its file. @throws not_found for a service that no file has */
  methods(service: string): readonly DescMethod[] {
    const found = this.#registry.getService(service);
    if (found === undefined) throw notFound(`service ${service}`);
    return found.methods;
  }

  /** From text to the encoded message. @throws invalid_argument that says what is wrong, for textproto as `line:column: …` */
  encode(type: DescMessage, text: string, format: MessageFormat): Uint8Array {
    return toBinary(type, this.#read(type, text, format));
  }

  /** From the encoded message to text. Of textproto every line has its newline. */
  print(type: DescMessage, encoded: Uint8Array, format: MessageFormat): string {
    const message = fromBinary(type, encoded);
    if (format === "textproto") return printText(type, message);
    return `${toJsonString(type, message, { registry: this.#registry, prettySpaces: 2 })}\n`;
  }

  #read(type: DescMessage, text: string, format: MessageFormat): Message {
    if (format === "textproto") return parseText(type, text, this.#registry);
    try {
      return fromJsonString(type, text, { registry: this.#registry });
    } catch (error) {
      throw invalidArgument(error instanceof Error ? error.message : String(error), error);
    }
  }
}

/** A registry wants to know what a file imports before the file. */
function importsFirst(files: readonly FileDescriptorProto[]): FileDescriptorProto[] {
  const byName = new Map(files.map((file) => [file.name, file]));
  const sorted = new Set<FileDescriptorProto>();
  const add = (file: FileDescriptorProto): void => {
    // What imports itself over others is refused by the registry.
    if (!byName.delete(file.name)) return;
    for (const name of file.dependency) {
      const needed = byName.get(name);
      if (needed !== undefined) add(needed);
    }
    sorted.add(file);
  };
  for (const file of files) add(file);
  return [...sorted];
}
