// A spec that leaves the host's system files writable. Docker has that only together with all other privileges, so it counts as
// asked for only where the spec has all of those, as clients' `--privileged` makes it.
import { DEFAULT_CAPABILITIES } from "./defaults.js";
import { isEmpty, type OciSpec } from "./oci-spec.js";
import type { Asked, Part } from "./part.js";

/** Of /sys; what nothing else at Docker gives. */
export const PRIVILEGED_OPTION = "rw";

/** Beside the default ones, all of the oldest kernels that containers run on. */
const MORE_CAPABILITIES =
  `DAC_READ_SEARCH LINUX_IMMUTABLE NET_BROADCAST NET_ADMIN IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_PTRACE SYS_PACCT
  SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG LEASE AUDIT_CONTROL MAC_OVERRIDE MAC_ADMIN SYSLOG
  WAKE_ALARM BLOCK_SUSPEND AUDIT_READ`.split(/\s+/);
const ALL_CAPABILITIES = [...DEFAULT_CAPABILITIES, ...MORE_CAPABILITIES.map((name) => `CAP_${name}`)];

export function isPrivileged({ process, mounts, linux }: OciSpec): boolean {
  const isWritable = mounts?.some(({ type, options }) => type === "sysfs" && options.includes(PRIVILEGED_OPTION));
  const isMasked = !isEmpty([linux?.maskedPaths, linux?.readonlyPaths]);
  const isConfined = !isEmpty([linux?.seccomp, process?.apparmorProfile, process?.selinuxLabel]);
  const bounding = process?.capabilities?.bounding ?? [];
  const [rule, ...others] = linux?.resources?.devices ?? [];
  const hasAllDevices = others.length === 0 && rule?.allow === true && rule.major == null && rule.minor == null;
  const hasAll = ALL_CAPABILITIES.every((name) => bounding.includes(name)) && hasAllDevices;
  return isWritable === true && hasAll && !isMasked && !isConfined;
}

export const translatePrivileged = ({ spec }: Asked): Part =>
  isPrivileged(spec) ? { host: { Privileged: true } } : {};
