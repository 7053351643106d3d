// The port of a service that chose one by itself and wrote down which.
import type { Container_PortBinding } from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";

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

/** See {@link PortDiscovery}. */
export const discoverPorts: PortDiscovery = async () => [];
