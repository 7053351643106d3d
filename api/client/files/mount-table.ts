// What is mounted, as the kernel tells a process.
// @source Linux proc(5), /proc/PID/mountinfo

export interface MountLine {
  /** From the root of the process that was asked about, as a byte string. */
  readonly target: string;
  readonly type: string;
  readonly superOptions: readonly string[];
}

/** File systems that hold what the kernel shows, and nothing that anybody could want to copy. */
const KERNEL_TYPES = new Set([
  ...["proc", "sysfs", "cgroup", "cgroup2", "devpts", "mqueue", "securityfs", "debugfs", "tracefs", "bpf", "pstore"],
  ...["configfs", "fusectl", "binfmt_misc", "selinuxfs", "efivarfs", "rpc_pipefs", "autofs", "nsfs"],
]);

/** @param text byte string. */
export function parseMountTable(text: string): MountLine[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [before = "", after = ""] = line.split(" - ", 2);
      const [type = "", , superOptions = ""] = after.split(" ");
      return { target: plainText(before.split(" ")[4] ?? ""), type, superOptions: plainText(superOptions).split(",") };
    });
}

/** Blank, tab, newline and backslash stand as three octal digits. */
const plainText = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/** The paths of such file systems, without a slash at either end. */
export const kernelFolders = (table: readonly MountLine[]): ReadonlySet<string> =>
  mountPoints(table.filter(({ type }) => KERNEL_TYPES.has(type)));

/** Where anything is mounted, without a slash at either end. */
export const mountPoints = (table: readonly MountLine[]): ReadonlySet<string> =>
  new Set(table.map(({ target }) => target.slice(1)));
