// Endpoints in a template that stand for a service in another container, of which only the name is known beforehand.
import type { Container_PortBinding } from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { IpEndpoint } from "../../api/gen/chromiumos/test/lab/api/ip_endpoint.js";
import { serviceError } from "./errors.js";

const PLACEHOLDER = /^(ctr-[\w-]+):\/\/(.+)$/;

type Lookup = (container: string, signal?: AbortSignal) => Promise<readonly Container_PortBinding[]>;
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
 * An endpoint with its placeholder filled in; one without any is handed back as it is.
 * @throws invalid_argument for a scheme that nobody knows, or a port beside a placeholder; failed_precondition unless the container
 * has exactly one port; not_found where there is no such container.
 */
export async function resolveEndpoint(endpoint: IpEndpoint, lookup: Lookup, signal?: AbortSignal): Promise<IpEndpoint> {
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
  const bindings = await lookup(container, signal);
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
