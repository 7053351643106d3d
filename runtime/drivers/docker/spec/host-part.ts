// What else a container has of its host: names, a read-only root, kernel settings, hidden files, its place among the cgroups, and
// Docker's own options of it.
import { isAbsolute } from "node:path";
import { isEmpty } from "./oci-spec.js";
import type { Asked, Part } from "./part.js";
import { isPrivileged } from "./privileged.js";

/** What runc does where a spec does not say. */
const DEFAULT_PROPAGATIONS = ["slave", "rslave"];

export function translateHost(asked: Asked): Part {
  const { spec, options } = asked;
  const { linux, root } = spec;
  const refused: string[] = [];
  // The image is the root file system.
  if (root?.path && isAbsolute(root.path)) refused.push("root.path");
  if (linux?.rootfsPropagation && !DEFAULT_PROPAGATIONS.includes(linux.rootfsPropagation)) {
    refused.push("linux.rootfsPropagation");
  }
  const cgroupParent = parentOf(linux?.cgroupsPath ?? "", asked);
  return {
    config: {
      ...(spec.hostname && { Hostname: spec.hostname }),
      ...(spec.domainname && { Domainname: spec.domainname }),
    },
    host: {
      ...(root?.readonly === true && { ReadonlyRootfs: true }),
      ...(!isEmpty(linux?.sysctl) && { Sysctls: linux?.sysctl ?? {} }),
      ...hiddenPaths(asked),
      ...(cgroupParent !== undefined && { CgroupParent: cgroupParent }),
      ...(!isEmpty(spec.annotations) && { Annotations: spec.annotations ?? {} }),
      ...(options.init !== undefined && { Init: options.init }),
      ...((options.logDriver !== undefined || options.logOptions !== undefined) && {
        LogConfig: { Type: options.logDriver ?? "", Config: options.logOptions ?? {} },
      }),
    },
    refused,
  };
}

/** As the spec has them, none included; Docker's where the spec isolates nothing at all and so leaves that to Docker. */
function hiddenPaths({ spec }: Asked): Part["host"] {
  const { linux } = spec;
  if (isPrivileged(spec)) return {};
  const isSilent = isEmpty(linux?.namespaces);
  const masked = linux?.maskedPaths ?? (isSilent ? undefined : []);
  const readonly = linux?.readonlyPaths ?? (isSilent ? undefined : []);
  return {
    ...(masked !== undefined && { MaskedPaths: masked }),
    ...(readonly !== undefined && { ReadonlyPaths: readonly }),
  };
}

/** Docker makes the container's group below it. The path that clients make of namespace and id says nothing. */
function parentOf(path: string, { namespace, id }: Asked): string | undefined {
  if (path === "" || path === `/${namespace}/${id}` || path === `${namespace}/${id}`) return undefined;
  // "slice:prefix:name" is for systemd, where a slice is what can have children.
  const [slice = "", ...rest] = path.split(":");
  return rest.length === 2 && slice.endsWith(".slice") ? slice : path;
}
