// A service of which only the address and the name are known: the server's reflection tells its messages, and calls go in and out as
// bytes. For programs that take messages as text, as grpc_cli does.
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { credentials, Client as GrpcClient, Metadata, type ServiceError } from "@grpc/grpc-js";
import { ContainerdError, notFound } from "../../core/errors.js";
import { ServerReflectionRequest, ServerReflectionResponse } from "../../gen/grpc/reflection/v1alpha/reflection.js";
import { kindOfStatus } from "../errors.js";
import { MessageTypes } from "./types.js";

/** The version that every server with reflection has. */
const REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

/** A call that the server, or the way to it, has failed. */
export class RpcFailure extends ContainerdError {
  /** gRPC's number of the status. */
  readonly code: number;
  /** What came behind the status. */
  readonly trailing: Metadata;

  constructor({ code, details, metadata }: Pick<ServiceError, "code" | "details" | "metadata">) {
    super(kindOfStatus(code, details), details);
    this.code = code;
    this.trailing = metadata;
  }
}

/** Dials at the first call. Dispose it once. */
export class RemoteService implements Disposable {
  readonly name: string;
  readonly #client: GrpcClient;

  /** @param address `host:port`, without TLS */
  constructor(address: string, name: string) {
    this.name = name;
    this.#client = new GrpcClient(address, credentials.createInsecure(), {
      "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
      "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
      "grpc.enable_http_proxy": 0,
      "grpc.service_config_disable_resolution": 1,
    });
  }

  /** The types of its messages. @throws RpcFailure; not_found when the server does not have the service */
  async types(): Promise<MessageTypes> {
    const files = new Map<string, ReturnType<typeof fileOf>>();
    let missing: ServerReflectionRequest["messageRequest"][] = [{ $case: "fileContainingSymbol", value: this.name }];
    while (missing.length > 0) {
      for (const bytes of (await this.#reflect(missing)).flat()) {
        const file = fileOf(bytes);
        files.set(file.name, file);
      }
      // Some servers send a file with all that it imports, others alone.
      const names = new Set([...files.values()].flatMap(({ dependency }) => dependency));
      missing = [...names].filter((name) => !files.has(name)).map((value) => ({ $case: "fileByFilename", value }));
    }
    return new MessageTypes([...files.values()]);
  }

  /** One encoded request, one encoded reply. @throws RpcFailure */
  call(method: string, request: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      const path = `/${this.name}/${method}`;
      this.#client.makeUnaryRequest(
        path,
        asBuffer,
        (reply: Buffer) => reply,
        request,
        (error, reply) => {
          if (error !== null) reject(new RpcFailure(error));
          else resolve(reply ?? new Uint8Array());
        },
      );
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  /** Asks the server's reflection, and takes the files of each answer. */
  #reflect(questions: readonly ServerReflectionRequest["messageRequest"][]): Promise<Uint8Array[][]> {
    return new Promise((resolve, reject) => {
      const answers: Uint8Array[][] = [];
      const call = this.#client.makeBidiStreamRequest(
        REFLECTION,
        (request: ServerReflectionRequest) => asBuffer(ServerReflectionRequest.encode(request).finish()),
        (bytes: Buffer) => ServerReflectionResponse.decode(bytes),
        new Metadata(),
      );
      call.on("data", ({ messageResponse }: ServerReflectionResponse) => {
        if (messageResponse?.$case === "fileDescriptorResponse") {
          answers.push(messageResponse.value.fileDescriptorProto);
        } else {
          const reason = messageResponse?.$case === "errorResponse" ? messageResponse.value.errorMessage : "no answer";
          call.cancel();
          reject(notFound(`service ${this.name} (the server says: ${reason})`));
        }
      });
      call.on("error", (error: ServiceError) => reject(new RpcFailure(error)));
      call.on("end", () => resolve(answers));
      for (const messageRequest of questions) call.write(ServerReflectionRequest.fromPartial({ messageRequest }));
      call.end();
    });
  }
}

const fileOf = (bytes: Uint8Array) => fromBinary(FileDescriptorProtoSchema, bytes);

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
