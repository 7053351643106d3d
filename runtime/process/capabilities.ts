// The capabilities of a process: their names, which of them we hold, and how setpriv(1) is told to leave just some.
// @source capabilities(7), linux/capability.h
import { readFileSync } from "node:fs";
import { ContainerdError, invalidArgument } from "../../api/core/errors.js";
import { quote } from "../../api/core/quote.js";

/** In the kernel's order. */
const NAMES = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST " +
  "NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE " +
  "SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG " +
  "WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
)
  .split(" ")
  .map((name) => `CAP_${name}`);

export interface CapabilitySets {
  readonly bounding: readonly string[];
  readonly inheritable: readonly string[];
  readonly permitted: readonly string[];
  readonly effective: readonly string[];
  readonly ambient: readonly string[];
}

/** What this process may do, or could hand on. */
export interface OwnCapabilities {
  readonly effective: ReadonlySet<string>;
  readonly bounding: ReadonlySet<string>;
}

function setOf(status: string, field: string): Set<string> {
  const hex = new RegExp(`^${field}:\\s*([0-9a-f]+)$`, "m").exec(status)?.[1] ?? "0";
  const bits = BigInt(`0x${hex}`);
  return new Set(NAMES.filter((_, number) => (bits >> BigInt(number)) % 2n === 1n));
}

export function ownCapabilities(): OwnCapabilities {
  const status = readFileSync("/proc/self/status", "utf8");
  return { effective: setOf(status, "CapEff"), bounding: setOf(status, "CapBnd") };
}

/** A right that is missing, by name. */
export function missingRight(what: string, capability: string): ContainerdError {
  return new ContainerdError("permission_denied", `${what} needs ${capability}: permission denied`);
}

/**
 * Flags for setpriv that make a process of `uid` have what the kernel would give it if all sets were set as asked for. After an
 * exec these follow from three of the sets: root gets its bounding and inheritable ones, anybody else the ambient ones. So
 * permitted and effective ones that go with these need no flag of their own.
 * @throws invalid_argument for unknown names and sets that the kernel refuses; permission_denied for rights that we lack.
 */
export function capabilityFlags(
  sets: CapabilitySets,
  uid: number,
  isUnprivilegedForGood: boolean,
  own: OwnCapabilities,
): string[] {
  const { bounding, inheritable, permitted, ambient } = sets;
  const all = [...bounding, ...inheritable, ...permitted, ...ambient, ...sets.effective];
  for (const name of all) {
    if (!NAMES.includes(name)) throw invalidArgument(`process.capabilities: unknown capability ${quote(name)}`);
  }
  if (!own.effective.has("CAP_SETPCAP")) {
    // Who has none and can never get any needs nobody to take them away.
    if (all.length === 0 && uid !== 0 && isUnprivilegedForGood && own.effective.size === 0) return [];
    throw missingRight("process.capabilities", "CAP_SETPCAP");
  }
  for (const name of [...bounding, ...inheritable, ...ambient]) {
    if (!own.bounding.has(name)) throw missingRight(`process.capabilities: ${name}`, "that right itself");
  }
  const outside = (names: readonly string[], within: readonly string[]): string | undefined =>
    names.find((name) => !within.includes(name));
  const refuse = (set: string, name: string | undefined, where: string): void => {
    if (name !== undefined)
      throw invalidArgument(`process.capabilities.${set}: ${name} is not among the ${where} ones`);
  };
  refuse("inheritable", outside(inheritable, bounding), "bounding");
  refuse("ambient", outside(ambient, inheritable), "inheritable");
  refuse("ambient", outside(ambient, permitted), "permitted");
  // Root without new privileges keeps of these only what it is permitted before, and nothing here can take that away from it.
  if (uid === 0 && isUnprivilegedForGood) refuse("bounding", outside(bounding, permitted), "permitted");
  return [`--bounding-set=${only(bounding)}`, `--inh-caps=${only(inheritable)}`, `--ambient-caps=${only(ambient)}`];
}

/** By number: older programs do not know the newest names. */
function only(names: readonly string[]): string {
  return ["-all", ...new Set(names.map((name) => `+cap_${NAMES.indexOf(name)}`))].join(",");
}
