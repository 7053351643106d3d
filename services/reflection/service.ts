// gRPC reflection, both versions, for tools such as grpcurl. containerd does not serve it.
import { ContainerdError } from "../../api/core/errors.js";
import { defineService, type MethodDefinition, type Service } from "../../api/core/handler.js";
import { ServerReflectionService } from "../../api/gen/grpc/reflection/v1/reflection.js";
import { ServerReflectionService as ServerReflectionServiceAlpha } from "../../api/gen/grpc/reflection/v1alpha/reflection.js";
import { type Answerer, loadReflection } from "./library.js";

export interface ReflectionServiceDeps {
  /** A file with the encoded FileDescriptorSet of the API. */
  readonly descriptorsPath: string;
  /** What is served besides; reflection names these. */
  readonly services: readonly Service[];
  /** Whether all types of the image can be asked for, as what travels in an Any may be of any; or those that the services name. Default: all. */
  readonly knows?: "all" | "needed";
}

export function defineReflectionServices({
  descriptorsPath,
  services,
  knows = "all",
}: ReflectionServiceDeps): Service[] {
  const methods = [ServerReflectionService, ServerReflectionServiceAlpha].map((each) => each.serverReflectionInfo);
  const paths = [...services.flatMap(({ definition }) => Object.values(definition)), ...methods].map(
    ({ path }) => path,
  );
  const names = [...new Set(paths.map((path) => path.split("/")[1] ?? ""))];
  let loading: Promise<ReadonlyMap<string, Answerer>> | undefined;
  const load = async (path: string): Promise<Answerer> => {
    loading ??= loadReflection(descriptorsPath, names, knows);
    const reflect = (await loading).get(path);
    if (reflect === undefined) throw new ContainerdError("not_implemented", "reflection is not available");
    return reflect;
  };
  return methods.map((method) =>
    defineService({ serverReflectionInfo: asBytes(method) }, reflectionHandlers(method, load)),
  );
}

const reflectionHandlers = (method: MethodDefinition, load: (path: string) => Promise<Answerer>) => ({
  async *serverReflectionInfo(requests: AsyncIterable<Buffer>) {
    const reflect = await load(method.path);
    for await (const request of requests) yield reflect(request);
  },
});

/** The library decodes and encodes by itself. */
const asBytes = ({ path }: MethodDefinition) => ({
  path,
  requestStream: true as const,
  responseStream: true as const,
  requestDeserialize: (bytes: Buffer): Buffer => bytes,
  responseSerialize: (bytes: Buffer): Buffer => bytes,
});
