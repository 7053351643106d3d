// The port of a service that chose one by itself and wrote down which, in a file that a shell can read.
import { Container_PortBinding } from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { serviceError } from "./errors.js";
import { HOST_NETWORK } from "./templates/start-request.js";

/** A container that was started by a template. */
export interface DiscoveredContainer {
  /** As the engine knows it. */
  readonly id: string;
  /** The network that it was started on; empty: the engine's own. */
  readonly network: string;
  /** In that network; empty on the host's. */
  readonly ipAddress: string;
}

/** What the discovery asks of the engine. */
export interface DiscoveryDeps {
  /** Runs a program in a container, without a shell around it, and resolves when it has ended. */
  readonly execute: (
    containerId: string,
    args: readonly string[],
    signal?: AbortSignal,
  ) => Promise<{ readonly exitStatus: number; readonly stdout: string }>;
}

/** The binding of the service's port; none when it has written nothing down. @throws when it cannot be asked. */
export type PortDiscovery = (
  container: DiscoveredContainer,
  deps: DiscoveryDeps,
  signal?: AbortSignal,
) => Promise<Container_PortBinding[]>;

const ASK = ["/bin/bash", "-c", "source ~/.cftmeta && echo $SERVICE_PORT"];
const LARGEST_PORT = 65_535;

/** See {@link PortDiscovery}. */
export const discoverPorts: PortDiscovery = async ({ id, network, ipAddress }, { execute }, signal) => {
  const { exitStatus, stdout } = await execute(id, ASK, signal);
  const told = stdout.trim();
  if (exitStatus !== 0 || told === "") return [];
  const port = Number(told);
  if (!/^\d+$/.test(told) || port === 0 || port > LARGEST_PORT) {
    throw serviceError("unknown", `the service says that it listens on port ${JSON.stringify(told.slice(0, 100))}`);
  }
  const hostIp = network === HOST_NETWORK ? "localhost" : ipAddress;
  return [Container_PortBinding.fromPartial({ containerPort: port, protocol: "tcp", hostIp, hostPort: port })];
};
