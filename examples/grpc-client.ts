// Speaks to a daemon, Berth's or containerd's, without this package's client: grpc-js, and the .proto files that the package ships.
// Other languages do the same with code generated from api/proto.
//   npm install @grpc/grpc-js @grpc/proto-loader
//   npx tsx examples/grpc-client.ts /run/berth/berth.sock
import { fileURLToPath } from "node:url";
import {
  type ChannelCredentials,
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

const [address = "/run/berth/berth.sock"] = process.argv.slice(2);
const DEADLINE_MS = 10_000;
const PROTOS = fileURLToPath(new URL("api/proto", import.meta.resolve("berthd/package.json")));

const loaded = loadPackageDefinition(
  loadSync(["services/version/v1/version.proto", "services/containers/v1/containers.proto"], { includeDirs: [PROTOS] }),
);

/** The methods used here, as proto-loader makes them: fields in camel case. */
type Unary<Request, Reply> = (
  request: Request,
  metadata: Metadata,
  options: { readonly deadline: number },
  done: (error: ServiceError | null, reply: Reply) => void,
) => void;
interface Container {
  readonly id: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly runtime?: { readonly name: string };
  readonly spec?: { readonly typeUrl: string; readonly value: Buffer };
}
interface Versions {
  readonly version: Unary<object, { readonly version: string }>;
  close(): void;
}
interface Containers {
  readonly create: Unary<{ readonly container: Container }, { readonly container: Container }>;
  readonly delete: Unary<{ readonly id: string }, object>;
  listStream(
    request: { readonly filters: readonly string[] },
    metadata: Metadata,
  ): ClientReadableStream<{ readonly container: Container }>;
  close(): void;
}

/** What has been loaded is known by its name only. */
function makeClient<Client>(service: string): Client {
  const found = service.split(".").reduce<unknown>((place, name) => Reflect.get(Object(place), name), loaded);
  const Made = found as new (target: string, security: ChannelCredentials) => Client;
  return new Made(`unix:${address}`, credentials.createInsecure());
}

const versions = makeClient<Versions>("containerd.services.version.v1.Version");
const containers = makeClient<Containers>("containerd.services.containers.v1.Containers");
// Nearly every call is about one namespace, which it names in its metadata.
const metadata = new Metadata();
metadata.set("containerd-namespace", "grpc-example");
const options = () => ({ deadline: Date.now() + DEADLINE_MS });

const call = <Request, Reply>(client: object, method: Unary<Request, Reply>, request: Request): Promise<Reply> =>
  new Promise((resolve, reject) => {
    method.call(client, request, metadata, options(), (error, reply) =>
      error === null ? resolve(reply) : reject(error),
    );
  });

try {
  console.log(`version ${(await call(versions, versions.version, {})).version}`);
  const spec = { typeUrl: "types.containerd.io/opencontainers/runtime-spec/1/Spec", value: Buffer.from("{}") };
  const container = { id: "example", labels: { team: "blue" }, runtime: { name: "io.containerd.runc.v2" }, spec };
  await call(containers, containers.create, { container });
  try {
    for await (const message of containers.listStream({ filters: ["labels.team==blue"] }, metadata)) {
      console.log(`container ${message.container.id} ${JSON.stringify(message.container.labels)}`);
    }
    await call(containers, containers.create, { container }).catch((error: ServiceError) => {
      console.log(`again: ${status[error.code]}: ${error.details}`);
    });
  } finally {
    await call(containers, containers.delete, { id: "example" });
  }
} finally {
  versions.close();
  containers.close();
}
