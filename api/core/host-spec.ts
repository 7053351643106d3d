// What of an OCI spec a process of the host cannot have, by name. The driver refuses it, and whoever writes specs can know before.
// @source opencontainers runtime-spec config.md, config-linux.md (the members)

/** The members that count; a parsed spec is one. */
export interface HostSpec {
  readonly process?: object | null | undefined;
  readonly root?: unknown;
  readonly linux?: { readonly resources?: object | null | undefined } | null | undefined;
}

const ROOT_MEMBERS = ["mounts", "hostname", "domainname", "hooks", "vm", "solaris", "windows", "zos", "freebsd"];
const LINUX_MEMBERS = [
  "namespaces",
  "uidMappings",
  "gidMappings",
  "timeOffsets",
  "devices",
  "netDevices",
  "sysctl",
  "maskedPaths",
  "readonlyPaths",
  "seccomp",
  "rootfsPropagation",
  "mountLabel",
  "intelRdt",
  "memoryPolicy",
  "personality",
];
const PROCESS_MEMBERS = [
  "apparmorProfile",
  "selinuxLabel",
  "scheduler",
  "ioPriority",
  "execCPUAffinity",
  "commandLine",
];

/** Asks for nothing. */
function isEmpty(value: unknown): boolean {
  if (value === null || value === undefined || value === false || value === "") return true;
  return typeof value === "object" && Object.values(value).every(isEmpty);
}

/** Those of these members that ask for something, with their full names. */
function present(prefix: string, members: readonly string[], from: object | null | undefined): string[] {
  const entries = new Map<string, unknown>(Object.entries(from ?? {}));
  return members.filter((member) => !isEmpty(entries.get(member))).map((member) => `${prefix}${member}`);
}

function rootRefusals(root: unknown): string[] {
  if (typeof root !== "object" || root === null) return [];
  const path = "path" in root ? root.path : undefined;
  const isReadonly = "readonly" in root && root.readonly === true;
  return [...(isEmpty(path) || path === "/" ? [] : ["root.path"]), ...(isReadonly ? ["root.readonly"] : [])];
}

/** What the devices rules forbid; a list that allows everything forbids nothing. */
function deviceRefusals(rules: unknown): string[] {
  const isRestricted =
    Array.isArray(rules) && rules.some((rule: unknown) => typeof rule !== "object" || rule === null || !allows(rule));
  return isRestricted ? ["linux.resources.devices"] : [];
}

const allows = (rule: object): boolean => "allow" in rule && rule.allow === true;

/** What in a spec only an isolating runtime can keep, by name. */
export function hostSpecRefusals(spec: HostSpec): string[] {
  return [
    ...rootRefusals(spec.root),
    ...present("", ROOT_MEMBERS, spec),
    ...present("linux.", LINUX_MEMBERS, spec.linux),
    ...deviceRefusals(new Map(Object.entries(spec.linux?.resources ?? {})).get("devices")),
    ...hostProcessRefusals(spec.process),
  ];
}

/** The same of a process alone. */
export const hostProcessRefusals = (process: object | null | undefined): string[] =>
  present("process.", PROCESS_MEMBERS, process);
