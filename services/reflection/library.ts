// @grpc/reflection, loaded when somebody first asks: loading it takes longer than loading grpc-js. It expects a grpc-js
// server to register with; what it registers is caught here instead and asked message by message.
import { readFile } from "node:fs/promises";
import { filesNeededBy, filesOf } from "./files.js";

/** From an encoded request to the encoded reply. */
export type Answerer = (request: Buffer) => Buffer;

interface ReflectionMethod {
  readonly path: string;
  readonly requestDeserialize: (bytes: Buffer) => unknown;
  readonly responseSerialize: (message: unknown) => Buffer;
}
interface ReflectionStream {
  on(event: string, listen: (message: unknown) => void): void;
  write(message: unknown): void;
}
type ReflectionHandler = (stream: ReflectionStream) => void;

/**
 * Each reflection service by the path of its only method. `serviceNames` are those that it lists; it knows what these need, or all
 * of the image.
 */
export async function loadReflection(
  descriptorsPath: string,
  serviceNames: readonly string[],
  knows: "all" | "needed",
): Promise<ReadonlyMap<string, Answerer>> {
  const { ReflectionService } = await import("@grpc/reflection");
  const image = filesOf(await readFile(descriptorsPath));
  const known = knows === "all" ? image : filesNeededBy(serviceNames, image);
  // Of a package definition it reads nothing but the encoded files.
  const files = {
    api: { fileDescriptorProtos: known.map((file) => Buffer.from(file)) },
  } as unknown as ConstructorParameters<typeof ReflectionService>[0];
  const found = new Map<string, Answerer>();
  new ReflectionService(files, { services: [...serviceNames] }).addToServer({
    addService: (definition, implementation) => {
      for (const [name, method] of Object.entries(definition)) {
        // The library's own shapes: a stream definition and the function that serves the stream.
        const handler = implementation[name] as unknown as ReflectionHandler;
        found.set(method.path, reflectWith(method as ReflectionMethod, handler));
      }
    },
  });
  return found;
}

function reflectWith(method: ReflectionMethod, handler: ReflectionHandler): Answerer {
  return (request) => {
    let reply: unknown;
    let receive: ((message: unknown) => void) | undefined;
    handler({
      on: (event, listen) => {
        if (event === "data") receive = listen;
      },
      write: (message) => {
        reply = message;
      },
    });
    receive?.(method.requestDeserialize(request));
    return method.responseSerialize(reply);
  };
}
