// New limits of a container that is there: OCI resources as the body of Docker's update. Docker can change fewer than it can set.
import { invalidArgument } from "../../../../api/core/errors.js";
import type { HostConfig } from "../../../docker/container-body.js";
import { isGiven, plainLimits, UNLIMITED } from "./limits.js";
import { isEmpty, parseResources } from "./oci-spec.js";
import type { LinuxResources } from "./resources-schema.js";

const FIXED_MEMORY = ["swappiness", "disableOOMKiller"] as const;
const FIXED_DISKS = [
  "weightDevice",
  "throttleReadBpsDevice",
  "throttleWriteBpsDevice",
  "throttleReadIOPSDevice",
  "throttleWriteIOPSDevice",
] as const;

/**
 * @param json OCI LinuxResources.
 * @param currentSwap what the container may use of memory and swap together, as Docker has it: 0 or -1 for any amount.
 * @returns what changes; what it does not name stays as it is.
 * @throws invalid_argument for what are no resources, and naming all that Docker cannot change.
 */
export function translateResources(json: Uint8Array, currentSwap = 0): HostConfig {
  const { known, others } = parseResources(json);
  const refused = [...others.map((name) => `resources.${name}`), ...fixed(known)];
  if (refused.length > 0) throw invalidArgument(`a Docker container cannot be given ${refused.join(", ")}`);
  const { memory } = known;
  const limit = isGiven(memory?.limit) ? memory.limit : undefined;
  // No memory limit is below "none" for Docker, so that has to be said again.
  const unlimited = limit !== undefined && currentSwap <= 0 ? UNLIMITED : undefined;
  const swap = isGiven(memory?.swap) ? memory.swap : unlimited;
  return {
    ...(limit !== undefined && { Memory: limit }),
    ...(swap !== undefined && { MemorySwap: swap }),
    ...(isGiven(memory?.reservation) && { MemoryReservation: memory.reservation }),
    ...plainLimits(known),
  };
}

function fixed({ devices, memory, blockIO }: LinuxResources): string[] {
  return [
    ...(isEmpty(devices) ? [] : ["resources.devices"]),
    ...FIXED_MEMORY.filter((name) => !isEmpty(memory?.[name])).map((name) => `resources.memory.${name}`),
    // To Docker 0 means no change, and there is no word for "no limit".
    ...(["limit", "reservation"] as const)
      .filter((name) => (memory?.[name] ?? 0) < 0)
      .map((name) => `resources.memory.${name} (none)`),
    ...FIXED_DISKS.filter((name) => !isEmpty(blockIO?.[name])).map((name) => `resources.blockIO.${name}`),
  ];
}
