// Raw gRPC clients, as a stranger would generate them: no library of ours between the test and the wire.
import { type CallOptions, type ClientReadableStream, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { ContainersClient } from "../../api/gen/services/containers/v1/containers.js";
import { ContentClient } from "../../api/gen/services/content/v1/content.js";
import { EventsClient } from "../../api/gen/services/events/v1/events.js";
import { IntrospectionClient } from "../../api/gen/services/introspection/v1/introspection.js";
import { LeasesClient } from "../../api/gen/services/leases/v1/leases.js";
import { NamespacesClient } from "../../api/gen/services/namespaces/v1/namespace.js";
import { TasksClient } from "../../api/gen/services/tasks/v1/tasks.js";
import { VersionClient } from "../../api/gen/services/version/v1/version.js";
import { PATIENCE_MS } from "./until.js";

const LIMITS = { "grpc.max_receive_message_length": 16 << 20, "grpc.max_send_message_length": 16 << 20 };

/** One client for each service, all over one socket. */
export interface RawClients extends Disposable {
  readonly containers: ContainersClient;
  readonly content: ContentClient;
  readonly tasks: TasksClient;
  readonly namespaces: NamespacesClient;
  readonly leases: LeasesClient;
  readonly events: EventsClient;
  readonly introspection: IntrospectionClient;
  readonly version: VersionClient;
}

export function rawClients(address: string): RawClients {
  const target = `unix:${address}`;
  const insecure = credentials.createInsecure();
  const clients = {
    containers: new ContainersClient(target, insecure, LIMITS),
    content: new ContentClient(target, insecure, LIMITS),
    tasks: new TasksClient(target, insecure, LIMITS),
    namespaces: new NamespacesClient(target, insecure, LIMITS),
    leases: new LeasesClient(target, insecure, LIMITS),
    events: new EventsClient(target, insecure, LIMITS),
    introspection: new IntrospectionClient(target, insecure, LIMITS),
    version: new VersionClient(target, insecure, LIMITS),
  };
  return {
    ...clients,
    [Symbol.dispose]: () => {
      for (const client of Object.values(clients)) client.close();
    },
  };
}

/** Headers of a call; an undefined namespace sends none. */
export function headers(namespace: string | undefined, more: Readonly<Record<string, string>> = {}): Metadata {
  const metadata = new Metadata();
  if (namespace !== undefined) metadata.set("containerd-namespace", namespace);
  for (const [key, value] of Object.entries(more)) metadata.set(key, value);
  return metadata;
}

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => unknown;

/** Calls a unary method, e.g. `call(clients.containers, clients.containers.get, { id }, headers(namespace))`. */
export function call<Request, Response>(
  client: object,
  method: Unary<Request, Response>,
  request: Request,
  metadata: Metadata,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + PATIENCE_MS;
    method.call(client, request, metadata, { deadline }, (error, response) => {
      if (error === null) resolve(response);
      else reject(error);
    });
  });
}

/** Reads a server stream to its end. */
export async function collect<Response>(stream: ClientReadableStream<Response>): Promise<Response[]> {
  const all: Response[] = [];
  for await (const message of stream) all.push(message);
  return all;
}
