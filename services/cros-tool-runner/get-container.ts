// GetContainer: `docker container inspect` and `docker container port`, of any container.
import { isNotFound } from "../../api/core/errors.js";
import {
  type Container_PortBinding,
  type GetContainerRequest,
  GetContainerResponse,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { type EngineContainer, execute, inspectContainer } from "../../runtime/docker/containers.js";
import { serviceError } from "./errors.js";
import { discoverPorts } from "./port-discovery.js";
import type { Runner } from "./runner.js";

type Deps = Pick<Runner, "engine" | "containers" | "templated" | "log">;

export async function getContainer(
  deps: Deps,
  { name }: GetContainerRequest,
  signal?: AbortSignal,
): Promise<GetContainerResponse> {
  const container = await inspect(deps, name, signal);
  const { id } = container;
  const portBindings = await portsOf(deps, container, signal);
  return GetContainerResponse.fromPartial({
    container: { name, id, owned: deps.containers.has(name, id), portBindings },
  });
}

/** The ports of a container as GetContainer tells them. @throws not_found. */
export async function portBindings(deps: Deps, name: string, signal?: AbortSignal): Promise<Container_PortBinding[]> {
  return await portsOf(deps, await inspect(deps, name, signal), signal);
}

async function inspect({ engine }: Deps, name: string, signal: AbortSignal | undefined): Promise<EngineContainer> {
  try {
    return await inspectContainer(engine, name, signal);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    throw serviceError("not_found", `Cannot retrieve container ID with name ${name}`, error);
  }
}

/** What the engine publishes; else what the service of a template says of itself, if it can be asked. */
async function portsOf(
  { engine, templated, log }: Deps,
  { id, name, ports, ipAddress }: EngineContainer,
  signal: AbortSignal | undefined,
): Promise<Container_PortBinding[]> {
  const network = templated.get(id);
  if (ports.length > 0 || network === undefined) return [...ports];
  try {
    return await discoverPorts(
      { id, network, ipAddress },
      { execute: (container, args, until) => execute(engine, container, args, until) },
      signal,
    );
  } catch (error) {
    log.info({ container: name, err: error }, "cannot find out the port of the service");
    return [];
  }
}
