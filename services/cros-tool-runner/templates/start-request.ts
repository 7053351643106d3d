// What the kinds of templates have in common: where the artifacts lie, on which port a service listens, what a start looks like.
import { isAbsolute } from "node:path";
import {
  StartContainerRequest,
  type StartTemplatedContainerRequest,
} from "../../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { serviceError } from "../errors.js";

/** The network that is the host's own. */
export const HOST_NETWORK = "host";

interface Differences {
  /** HOST:CONTAINER */
  readonly volumes: readonly string[];
  readonly command: readonly string[];
  /** Ports. Default: none. */
  readonly expose?: readonly string[];
  /** Default: none. */
  readonly env?: readonly string[];
}

/** The start that a template stands for. */
export function startRequest(
  { name, containerImage, network }: StartTemplatedContainerRequest,
  { volumes, command, expose = [], env = [] }: Differences,
): StartContainerRequest {
  return StartContainerRequest.fromPartial({
    name,
    containerImage,
    additionalOptions: { network, volume: [...volumes], expose: [...expose], env: [...env] },
    startCommand: [...command],
  });
}

/** A service listens on its well-known port where it has an address of its own; on the host's network it takes a free one. */
export function servicePort(
  { network }: StartTemplatedContainerRequest,
  wellKnown: number,
): { readonly port: string; readonly expose: readonly string[] } {
  if (network === HOST_NETWORK) return { port: "0", expose: [] };
  return { port: String(wellKnown), expose: [String(wellKnown)] };
}

/** The folder of the host for what the container writes. @throws invalid_argument where it is missing or relative */
export function artifactDir({ artifactDir: path }: StartTemplatedContainerRequest): string {
  return folder("artifact_dir", path);
}

/** @throws invalid_argument for a field that is empty or no absolute path */
export function folder(field: string, path: string): string {
  if (path === "") throw serviceError("invalid_argument", `Missing ${field}`);
  // What is relative would be a volume's name to Docker.
  if (!isAbsolute(path)) throw serviceError("invalid_argument", `${field} is not an absolute path: ${path}`);
  return path;
}
