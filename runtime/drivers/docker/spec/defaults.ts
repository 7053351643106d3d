// What stands in the spec of every client without anybody having asked for it, and what Docker gives every container by itself.
// @source containerd pkg/oci/spec.go (observed on ctr 1.6.20), moby oci/defaults.go (observed on 20.10)
import type { OciMount } from "./oci-spec.js";
import type { DeviceRule } from "./resources-schema.js";

/** The capabilities that Docker gives a container, and containerd's clients as well. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CAP_AUDIT_WRITE",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_MKNOD",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
];

/** Hidden in every container, at Docker as by containerd's clients. */
export const DEFAULT_MASKED_PATHS: readonly string[] = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/firmware",
];

/** Not to be written to in every container. */
export const DEFAULT_READONLY_PATHS: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** The first umask of a container's processes, at Docker as at runc. */
export const DEFAULT_UMASK = 0o022;

/** Character devices that every container has, by path. */
const DEFAULT_DEVICES = new Map([
  ["/dev/null", "1:3"],
  ["/dev/zero", "1:5"],
  ["/dev/full", "1:7"],
  ["/dev/random", "1:8"],
  ["/dev/urandom", "1:9"],
  ["/dev/tty", "5:0"],
  ["/dev/console", "5:1"],
  ["/dev/ptmx", "5:2"],
]);
/** Of /dev/pts. */
const TERMINAL_MAJOR = 136;
const EVERYBODY = 0o666;

/** Whether every container has that device as it is asked for. */
export function isDefaultDevice(device: {
  readonly path: string;
  readonly type: string;
  readonly major?: number | null | undefined;
  readonly minor?: number | null | undefined;
  readonly fileMode?: number | null | undefined;
  readonly uid?: number | null | undefined;
  readonly gid?: number | null | undefined;
}): boolean {
  const { path, type, major, minor, fileMode, uid } = device;
  const numbers = DEFAULT_DEVICES.get(path);
  // The group of terminals has a number of its own on each host.
  const isOpen = (fileMode ?? EVERYBODY) % 0o1000 === EVERYBODY && (uid ?? 0) === 0;
  return type === "c" && numbers === `${major}:${minor}` && isOpen;
}

/** Whether every container may do that anyway. */
export function isDefaultRule({ type, major, minor, access }: DeviceRule): boolean {
  // Making a node of any device harms nobody who may not open it.
  if (access === "m" && (type === "c" || type === "b")) return true;
  if (type !== "c") return false;
  return major === TERMINAL_MAJOR || [...DEFAULT_DEVICES.values()].includes(`${major}:${minor}`);
}

interface DefaultMount {
  readonly types: readonly string[];
  /** Those that Docker's own mount has, or that only say what is so without them. */
  readonly options: readonly string[];
}

const QUIET = ["nosuid", "noexec", "nodev", "rw", "relatime"];
const DEFAULT_MOUNTS = new Map<string, DefaultMount>([
  ["/proc", { types: ["proc"], options: QUIET }],
  ["/dev", { types: ["tmpfs"], options: [...QUIET, "strictatime", "mode=755", "mode=0755", "size=65536k"] }],
  [
    "/dev/pts",
    { types: ["devpts"], options: [...QUIET, "newinstance", "ptmxmode=0666", "mode=0620", "mode=620", "gid=5"] },
  ],
  ["/dev/shm", { types: ["tmpfs"], options: [...QUIET, "mode=1777", "size=65536k", "size=67108864"] }],
  ["/dev/mqueue", { types: ["mqueue"], options: QUIET }],
  ["/sys", { types: ["sysfs"], options: ["nosuid", "noexec", "nodev", "relatime", "ro"] }],
  ["/sys/fs/cgroup", { types: ["cgroup", "cgroup2"], options: ["nosuid", "noexec", "nodev", "relatime", "ro"] }],
]);
/** In ctr's spec, not at Docker: an image's own /run is not hidden there. */
const RUN_OPTIONS = ["nosuid", "strictatime", "mode=755", "size=65536k"];
/** What clients put in for the host's network; Docker does it itself. */
const NETWORK_FILES = ["/etc/hosts", "/etc/resolv.conf"];

/**
 * The options of a client's default mount that Docker's own one does not have: none where it is the same.
 * @returns undefined for a mount that somebody asked for.
 */
export function defaultMountDifferences(mount: OciMount, hasHostNetwork: boolean): readonly string[] | undefined {
  const { destination, source, options } = mount;
  const type = mount.type ?? "";
  const found = DEFAULT_MOUNTS.get(destination);
  if (found?.types.includes(type) === true) return options.filter((option) => !found.options.includes(option));
  const isRun = destination === "/run" && type === "tmpfs" && sameMembers(options, RUN_OPTIONS);
  const isNetworkFile =
    hasHostNetwork &&
    NETWORK_FILES.includes(destination) &&
    source === destination &&
    sameMembers(options, ["rbind", "ro"]);
  return isRun || isNetworkFile ? [] : undefined;
}

/** In any order. */
export function sameMembers(left: readonly string[], right: readonly string[]): boolean {
  const [one, other] = [new Set(left), new Set(right)];
  return one.size === other.size && [...one].every((member) => other.has(member));
}
