// Services known by their names only: what a server's reflection tells in one answer or in many, and how calls fail.
import { readFileSync } from "node:fs";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Metadata, Server, ServerCredentials, type ServerDuplexStream, type sendUnaryData } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../../core/dispose.js";
import {
  type ServerReflectionRequest,
  ServerReflectionResponse,
  ServerReflectionService,
} from "../../gen/grpc/reflection/v1alpha/reflection.js";
import { RemoteService } from "./remote-service.js";

const { file: FILES } = fromBinary(
  FileDescriptorSetSchema,
  readFileSync(new URL("../../gen/api.binpb", import.meta.url)),
);
const SERVICE = "chromiumos.test.api.CrosToolRunnerContainerService";
const IN_FILE = "chromiumos/test/api/cros_tool_runner_container_service.proto";

let scope: DisposeScope;
let asked: string[];
let address: string;

const encodedFile = (file: (typeof FILES)[number]): Buffer => Buffer.from(toBinary(FileDescriptorProtoSchema, file));

type ReflectionCall = ServerDuplexStream<ServerReflectionRequest, ServerReflectionResponse>;

beforeEach(async () => {
  scope = new DisposeScope();
  asked = [];
  const server = new Server();
  scope.defer(() => server.forceShutdown());
  // Gives one file for each question, as some servers do.
  server.addService(ServerReflectionService, {
    serverReflectionInfo: (call: ReflectionCall) => {
      call.on("data", ({ messageRequest }: ServerReflectionRequest) => {
        const wanted = messageRequest?.$case === "fileByFilename" ? messageRequest.value : IN_FILE;
        const file = FILES.find(({ name }) => name === wanted);
        asked.push(wanted);
        const isKnown = messageRequest?.$case !== "fileContainingSymbol" || messageRequest.value === SERVICE;
        const messageResponse: ServerReflectionResponse["messageResponse"] =
          file !== undefined && isKnown
            ? { $case: "fileDescriptorResponse", value: { fileDescriptorProto: [encodedFile(file)] } }
            : { $case: "errorResponse", value: { errorCode: 5, errorMessage: "no such symbol" } };
        call.write(ServerReflectionResponse.fromPartial({ messageResponse }));
      });
      call.on("end", () => call.end());
    },
  });
  const bytes = (value: Buffer): Buffer => value;
  const definition = {
    path: `/${SERVICE}/GetNetwork`,
    requestStream: false,
    responseStream: false,
    ...{ requestSerialize: bytes, requestDeserialize: bytes, responseSerialize: bytes, responseDeserialize: bytes },
  };
  server.addService(
    { GetNetwork: definition },
    {
      GetNetwork: (_call: unknown, reply: sendUnaryData<Buffer>) => {
        const metadata = new Metadata();
        metadata.set("why", "because");
        reply({ code: 5, details: "no such network", metadata });
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, taken) =>
      error === null ? resolve(taken) : reject(error),
    );
  });
  address = `127.0.0.1:${port}`;
});
afterEach(() => scope[Symbol.asyncDispose]());

const open = (where: string, name = SERVICE): RemoteService => scope.use(new RemoteService(where, name));

test("imports are asked for until all are there, each once", async () => {
  const types = await open(address).types();
  expect(types.methods(SERVICE).map(({ name }) => name)).toContain("GetNetwork");
  expect(asked.length).toBe(new Set(asked).size);
  expect(asked).toContain("chromiumos/storage_path.proto");
  const type = types.message("chromiumos.test.api.StartTemplatedContainerRequest");
  const text = 'template {\n  cros_dut {\n    dut_address {\n      address: "a"\n    }\n  }\n}\n';
  expect(types.print(type, types.encode(type, text, "textproto"), "textproto")).toBe(text);
});

test("a service that the server does not have is not found", async () => {
  await expect(open(address, "no.Such").types()).rejects.toMatchObject({
    kind: "not_found",
    message: "service no.Such (the server says: no such symbol): not found",
  });
});

test("a call that fails tells code, words and what came behind them", async () => {
  const failing = open(address).call("GetNetwork", new Uint8Array());
  await expect(failing).rejects.toMatchObject({ kind: "not_found", code: 5, message: "no such network" });
  const { trailing } = await failing.catch((error) => error);
  expect(trailing.get("why")).toEqual(["because"]);
});

test("nobody at the address is unavailable", async () => {
  await expect(open("127.0.0.1:1").types()).rejects.toMatchObject({ kind: "unavailable", code: 14 });
  await expect(open("127.0.0.1:1").call("GetNetwork", new Uint8Array())).rejects.toMatchObject({ code: 14 });
});
