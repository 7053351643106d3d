// What a spec may ask for that a process of the host cannot have. A task that would get less than its spec says is not made,
// unless its options say that isolation may be left out.
// @source opencontainers runtime-spec config.md, config-linux.md (the members)
import { invalidArgument } from "../../api/core/errors.js";
import type { Mount } from "../../api/core/task.js";
import type { ProcessOptions } from "./options.js";
import type { OciProcess, OciSpec } from "./spec.js";

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
export function specRefusals(spec: OciSpec, rootfs: readonly Mount[]): string[] {
  return [
    ...(rootfs.length > 0 ? ["rootfs"] : []),
    ...rootRefusals(spec["root"]),
    ...present("", ROOT_MEMBERS, spec),
    ...present("linux.", LINUX_MEMBERS, spec.linux),
    ...deviceRefusals(spec.linux?.resources?.["devices"]),
    ...processRefusals(spec.process),
  ];
}

/** The same of a process alone. */
export const processRefusals = (process: OciProcess | null | undefined): string[] =>
  present("process.", PROCESS_MEMBERS, process);

/** @throws invalid_argument that names all of them, unless none counts. `limits` count in any case. */
export function refuse(
  refusals: readonly string[],
  { isolation }: ProcessOptions,
  limits: readonly string[] = [],
): void {
  const all = isolation === "ignore" ? limits : [...refusals, ...limits];
  if (all.length === 0) return;
  const uid = process.geteuid?.() ?? -1;
  const need =
    limits.length === 0 ? "" : ` (limits take a control group that uid ${uid} may write to, with their controllers)`;
  throw invalidArgument(`a process of the host cannot have ${all.join(", ")}${need}`);
}
