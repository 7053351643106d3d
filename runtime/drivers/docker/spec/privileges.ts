// What the processes of a container may do: capabilities, no new privileges, seccomp, AppArmor, SELinux; and their limits.
import { DEFAULT_CAPABILITIES, sameMembers } from "./defaults.js";
import { isEmpty, type OciProcess } from "./oci-spec.js";
import type { Asked, Part } from "./part.js";

/** The limits that Docker has names for. */
const ULIMITS = "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(
  " ",
);
/** JSON numbers lose the last bits of "infinity", which is the largest of 64. */
const INFINITE_FROM = 2 ** 63;
/** What Docker does not read of a seccomp profile. */
const SECCOMP_LISTENER = ["listenerPath", "listenerMetadata"];
const SELINUX_FIELDS = ["user", "role", "type", "level"];

export function translatePrivileges({ spec }: Asked): Part {
  const process = spec.process ?? { args: [], env: [] };
  const capabilities = translateCapabilities(process);
  const security = translateSecurity(spec);
  const limits = translateLimits(process);
  return {
    host: { ...capabilities.host, ...security.host, ...limits.host },
    refused: [capabilities, security, limits].flatMap(({ refused }) => refused ?? []),
  };
}

/** The bounding set is what counts: root gets all of it by execve(2), others nothing. */
function translateCapabilities({ capabilities, user, noNewPrivileges }: OciProcess): Part {
  if (capabilities == null) return {};
  const { bounding, effective, permitted, inheritable } = capabilities;
  const added = bounding.filter((name) => !DEFAULT_CAPABILITIES.includes(name));
  const dropped = DEFAULT_CAPABILITIES.filter((name) => !bounding.includes(name));
  const gainsAll = (user?.uid ?? 0) !== 0 || noNewPrivileges !== true;
  const isUsual = (set: readonly string[]) => sameMembers(set, bounding) || (set.length === 0 && gainsAll);
  return {
    host: {
      ...(added.length > 0 && { CapAdd: added }),
      ...(dropped.length > 0 && { CapDrop: dropped.length === DEFAULT_CAPABILITIES.length ? ["ALL"] : dropped }),
    },
    refused: [
      ...(isUsual(effective) ? [] : ["process.capabilities.effective (other than the bounding set)"]),
      ...(isUsual(permitted) ? [] : ["process.capabilities.permitted (other than the bounding set)"]),
      // Older clients fill it as they fill the bounding set, to no effect.
      ...(inheritable.length === 0 || sameMembers(inheritable, bounding) ? [] : ["process.capabilities.inheritable"]),
    ],
  };
}

function translateSecurity({ process, linux }: Asked["spec"]): Part {
  const seccomp = isEmpty(linux?.seccomp) ? undefined : linux?.seccomp;
  const listeners = SECCOMP_LISTENER.filter((member) => !isEmpty(seccomp?.[member]));
  const labels = selinuxOptions(process?.selinuxLabel ?? "");
  const all = [
    ...(process?.noNewPrivileges === true ? ["no-new-privileges"] : []),
    ...(seccomp == null ? [] : [`seccomp=${JSON.stringify(seccomp)}`]),
    ...(process?.apparmorProfile ? [`apparmor=${process.apparmorProfile}`] : []),
    ...(labels ?? []),
  ];
  return {
    host: all.length > 0 ? { SecurityOpt: all } : {},
    refused: [
      ...listeners.map((member) => `linux.seccomp.${member}`),
      ...(labels === undefined ? ["process.selinuxLabel (not user:role:type:level)"] : []),
    ],
  };
}

/** undefined for what is no label. A level has colons of its own. */
function selinuxOptions(label: string): string[] | undefined {
  if (label === "") return [];
  const [user, role, type, ...level] = label.split(":");
  const values = [user, role, type, level.join(":")];
  if (values.some((value) => !value)) return undefined;
  return values.map((value, at) => `label=${SELINUX_FIELDS[at]}:${value}`);
}

function translateLimits({ rlimits, oomScoreAdj }: OciProcess): Part {
  const named = (rlimits ?? []).map(({ type, soft, hard }) => ({
    type,
    name: /^RLIMIT_([A-Z]+)$/.exec(type)?.[1]?.toLowerCase() ?? "",
    soft,
    hard,
  }));
  const known = named.filter(({ name }) => ULIMITS.includes(name));
  const refused = named.filter(({ name }) => !ULIMITS.includes(name)).map(({ type }) => `process.rlimits (${type})`);
  return {
    host: {
      ...(known.length > 0 && {
        Ulimits: known.map(({ name, soft, hard }) => ({ Name: name, Soft: toLimit(soft), Hard: toLimit(hard) })),
      }),
      ...(oomScoreAdj && { OomScoreAdj: oomScoreAdj }),
    },
    refused,
  };
}

const toLimit = (value: number): number => (value >= INFINITE_FROM ? -1 : value);
