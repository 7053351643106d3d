// An OCI runtime spec as the Docker container that keeps it. What Docker cannot express and was asked for is refused, all of it at
// once; what merely belongs to every client's default spec is Docker's own default.
import { invalidArgument } from "../../../../api/core/errors.js";
import type { Stdio } from "../../../../api/core/task.js";
import type { ContainerBody } from "../../../docker/container-body.js";
import type { DockerOptions } from "../options.js";
import { translateDevices } from "./devices.js";
import { translateHost } from "./host-part.js";
import { translateLimits } from "./limits.js";
import { translateMounts } from "./mounts.js";
import { translateNamespaces } from "./namespaces.js";
import { translateNetwork } from "./network.js";
import { parseSpec } from "./oci-spec.js";
import type { Asked, Part } from "./part.js";
import { translatePrivileged } from "./privileged.js";
import { translatePrivileges } from "./privileges.js";
import { translateProcess } from "./process.js";

export interface TranslateInput {
  /** The bytes of config.json. */
  readonly spec: Uint8Array;
  readonly options: DockerOptions;
  /** As Docker is to look it up. */
  readonly image: string;
  readonly namespace: string;
  readonly id: string;
  readonly stdio: Stdio;
}

const TOPICS: readonly ((asked: Asked) => Part)[] = [
  translateProcess,
  translateHost,
  translatePrivileged,
  translatePrivileges,
  translateNamespaces,
  translateNetwork,
  translateMounts,
  (asked) => translateDevices(asked),
  (asked) => translateLimits(asked),
];

/** Without name and labels. @throws invalid_argument for what is no spec, and naming all that Docker cannot express. */
export function translate(input: TranslateInput): ContainerBody {
  const { known: spec, others } = parseSpec(input.spec);
  const parts = TOPICS.map((translateTopic) => translateTopic({ ...input, spec }));
  const refused = [...others, ...parts.flatMap((part) => part.refused ?? [])];
  if (refused.length > 0 && input.options.isolation === "refuse") {
    throw invalidArgument(`a Docker container cannot have ${refused.join(", ")}`);
  }
  return {
    ...Object.assign({}, ...parts.map(({ config }) => config)),
    HostConfig: Object.assign({}, ...parts.map(({ host }) => host)),
  };
}
