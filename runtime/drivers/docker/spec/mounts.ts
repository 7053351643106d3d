// What is mounted into a container: folders of the host, and file systems in memory. Those that every container has are Docker's own.
import { isAbsolute } from "node:path";
import type { BodyMount, MountPropagation } from "../../../docker/container-body.js";
import { defaultMountDifferences } from "./defaults.js";
import { hasHostNetwork } from "./network.js";
import type { OciMount } from "./oci-spec.js";
import type { Asked, Part } from "./part.js";
import { isPrivileged, PRIVILEGED_OPTION } from "./privileged.js";
import { sizeBytes, tmpfsOptions } from "./tmpfs.js";

const PROPAGATIONS: ReadonlyMap<string, MountPropagation> = new Map(
  (["private", "rprivate", "shared", "rshared", "slave", "rslave"] as const).map((name) => [name, name]),
);
const SHM = "/dev/shm";

/**
 * `NonRecursive` is not in the package's types, and a propagation is demanded. None is told where none was asked for: Docker's is
 * rprivate, but rslave for a folder that holds the engine's own, which it refuses to mount otherwise.
 */
type BindMount = BodyMount & { BindOptions?: { Propagation?: MountPropagation; NonRecursive?: boolean } };

interface Mounts {
  readonly binds: BindMount[];
  readonly tmpfs: Map<string, string>;
  readonly refused: string[];
  shmSize: number | undefined;
}

export function translateMounts(asked: Asked): Part {
  const mounts: Mounts = { binds: [], tmpfs: new Map(), refused: [], shmSize: undefined };
  const isHost = hasHostNetwork(asked);
  const privileged = isPrivileged(asked.spec);
  for (const mount of asked.spec.mounts ?? []) {
    const differences = defaultMountDifferences(mount, isHost);
    if (differences === undefined) addMount(mount, mounts);
    else addDefault(mount, privileged ? differences.filter((name) => name !== PRIVILEGED_OPTION) : differences, mounts);
  }
  const { binds, tmpfs, refused } = mounts;
  const shmSize = asked.options.shmSizeBytes ?? mounts.shmSize;
  return {
    host: {
      ...(binds.length > 0 && { Mounts: binds }),
      ...(tmpfs.size > 0 && { Tmpfs: Object.fromEntries(tmpfs) }),
      ...(shmSize !== undefined && { ShmSize: shmSize }),
    },
    refused,
  };
}

/** Docker's own, as far as it is as the client wants it. */
function addDefault({ destination }: OciMount, differences: readonly string[], mounts: Mounts): void {
  for (const option of differences) {
    const size = destination === SHM ? sizeBytes(option) : undefined;
    if (size === undefined) mounts.refused.push(refusal(destination, option));
    else mounts.shmSize = size;
  }
}

function addMount(mount: OciMount, mounts: Mounts): void {
  const { destination, options } = mount;
  const type = mount.type ?? "";
  if (type === "bind" || options.includes("bind") || options.includes("rbind")) addBind(mount, mounts);
  else if (type === "tmpfs") {
    const { text, refused } = tmpfsOptions(options);
    mounts.tmpfs.set(destination, text);
    mounts.refused.push(...refused.map((option) => refusal(destination, option)));
  } else mounts.refused.push(refusal(destination, type === "" ? "without a type" : `of type ${type}`));
}

function addBind({ destination, source, options }: OciMount, { binds, refused }: Mounts): void {
  if (!source || !isAbsolute(source)) refused.push(refusal(destination, `from ${source || "nowhere"}`));
  let propagation: MountPropagation | undefined;
  let readOnly = false;
  let recursive = false;
  for (const option of options) {
    const found = PROPAGATIONS.get(option);
    if (found !== undefined) propagation = found;
    else if (option === "ro") readOnly = true;
    else if (option === "rw") readOnly = false;
    else if (option === "rbind") recursive = true;
    else if (option !== "bind") refused.push(refusal(destination, option));
  }
  binds.push({
    Type: "bind",
    Source: source ?? "",
    Target: destination,
    ReadOnly: readOnly,
    BindOptions: {
      ...(propagation !== undefined && { Propagation: propagation }),
      ...(!recursive && { NonRecursive: true }),
    },
  } as BindMount);
}

const refusal = (destination: string, what: string): string => `mount ${destination} (${what})`;
