// Endpoints in a template that stand for a service in another container, of which only the name is known beforehand.
import { setTimeout as delay } from "node:timers/promises";
import type { Container_PortBinding } from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { IpEndpoint } from "../../api/gen/chromiumos/test/lab/api/ip_endpoint.js";
import { serviceError } from "./errors.js";

const PLACEHOLDER = /^(ctr-[\w-]+):\/\/(.+)$/;

/** A service that chooses its port tells it a moment after its start. */
const PATIENCE_MS = 10_000;
const POLL_MS = 200;

export interface PortLookup {
  /**
   * The ports of a container as GetContainer tells them: what the engine publishes, else what the service in it says of itself.
   * @throws not_found for a name that is not there.
   */
  readonly portBindings: (container: string, signal?: AbortSignal) => Promise<readonly Container_PortBinding[]>;
  /** How long a container may be without a port, in milliseconds. Default: 10 s. */
  readonly patienceMs?: number;
}

type Fill = (container: string, binding: Container_PortBinding) => IpEndpoint;

const SCHEMES: ReadonlyMap<string, Fill> = new Map<string, Fill>([
  // On a network of its own a container is found by its name.
  ["ctr-container-port", (address, { containerPort: port }) => IpEndpoint.fromPartial({ address, port })],
  [
    "ctr-localhost-port",
    (container, { containerPort, hostPort }) => {
      if (containerPort !== hostPort) {
        throw serviceError(
          "failed_precondition",
          `container ${container} is not on the host network: its port ${containerPort} is the host's ${hostPort}`,
        );
      }
      return IpEndpoint.fromPartial({ address: "localhost", port: hostPort });
    },
  ],
]);

/**
 * An endpoint with its placeholder filled in, which may take a moment; one without any is handed back as it is.
 * @throws invalid_argument for a scheme that nobody knows, or a port beside a placeholder; failed_precondition unless the container
 * has exactly one port; not_found where there is no such container.
 */
export async function resolveEndpoint(
  endpoint: IpEndpoint,
  lookup: PortLookup,
  signal?: AbortSignal,
): Promise<IpEndpoint> {
  const [, scheme = "", container = ""] = PLACEHOLDER.exec(endpoint.address) ?? [];
  if (scheme === "") {
    // Meant for one, and short of a name or misspelt.
    if (endpoint.address.startsWith("ctr-") && endpoint.address.includes("://")) {
      throw serviceError("invalid_argument", "Not a valid template placeholder");
    }
    return endpoint;
  }
  const fill = SCHEMES.get(scheme);
  if (fill === undefined) throw serviceError("invalid_argument", "Scheme is unrecognized");
  if (endpoint.port !== 0) {
    throw serviceError("invalid_argument", `The port must be 0 beside a ${scheme} placeholder, not ${endpoint.port}`);
  }
  const bindings = await portsOf(container, lookup, signal);
  const [binding] = bindings;
  if (binding === undefined || bindings.length > 1) {
    const found = bindings.length === 0 ? "no port" : `${bindings.length} ports`;
    throw serviceError(
      "failed_precondition",
      `container ${container} has ${found}, and a placeholder needs exactly one`,
    );
  }
  return fill(container, binding);
}

async function portsOf(
  container: string,
  { portBindings, patienceMs = PATIENCE_MS }: PortLookup,
  signal?: AbortSignal,
): Promise<readonly Container_PortBinding[]> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const bindings = await portBindings(container, signal);
    if (bindings.length > 0 || performance.now() >= deadline) return bindings;
    await delay(POLL_MS, undefined, { signal });
  }
}
