// What fstab-like mount options mean to the kernel: flags for some, the text handed to the file system for the rest.
// @source containerd mount/mount_linux.go (which words it knows), mount(2) for the numbers

export const MS_RDONLY = 0x1;
export const MS_REMOUNT = 0x20;
export const MS_BIND = 0x1000;
export const MS_REC = 0x4000;
export const MS_SILENT = 0x8000;
const MS_NOSUID = 0x2;
const MS_NODEV = 0x4;
const MS_NOEXEC = 0x8;
const MS_SYNCHRONOUS = 0x10;
const MS_MANDLOCK = 0x40;
const MS_DIRSYNC = 0x80;
const MS_NOATIME = 0x400;
const MS_NODIRATIME = 0x800;
const MS_UNBINDABLE = 0x20000;
const MS_PRIVATE = 0x40000;
const MS_SLAVE = 0x80000;
const MS_SHARED = 0x100000;
const MS_RELATIME = 0x200000;
const MS_STRICTATIME = 0x1000000;
/** How mounts below are passed on to other namespaces; the kernel wants these in a call of their own. */
export const PROPAGATION_FLAGS = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

type Effect = { readonly set: number } | { readonly clear: number };

const EFFECTS = new Map<string, Effect>([
  ["async", { clear: MS_SYNCHRONOUS }],
  ["atime", { clear: MS_NOATIME }],
  ["bind", { set: MS_BIND }],
  ["defaults", { set: 0 }],
  ["dev", { clear: MS_NODEV }],
  ["diratime", { clear: MS_NODIRATIME }],
  ["dirsync", { set: MS_DIRSYNC }],
  ["exec", { clear: MS_NOEXEC }],
  ["mand", { set: MS_MANDLOCK }],
  ["noatime", { set: MS_NOATIME }],
  ["nodev", { set: MS_NODEV }],
  ["nodiratime", { set: MS_NODIRATIME }],
  ["noexec", { set: MS_NOEXEC }],
  ["nomand", { clear: MS_MANDLOCK }],
  ["norelatime", { clear: MS_RELATIME }],
  ["nostrictatime", { clear: MS_STRICTATIME }],
  ["nosuid", { set: MS_NOSUID }],
  ["private", { set: MS_PRIVATE }],
  ["rbind", { set: MS_BIND | MS_REC }],
  ["relatime", { set: MS_RELATIME }],
  ["remount", { set: MS_REMOUNT }],
  ["ro", { set: MS_RDONLY }],
  ["rprivate", { set: MS_PRIVATE | MS_REC }],
  ["rshared", { set: MS_SHARED | MS_REC }],
  ["rslave", { set: MS_SLAVE | MS_REC }],
  ["runbindable", { set: MS_UNBINDABLE | MS_REC }],
  ["rw", { clear: MS_RDONLY }],
  ["shared", { set: MS_SHARED }],
  ["slave", { set: MS_SLAVE }],
  ["strictatime", { set: MS_STRICTATIME }],
  ["suid", { clear: MS_NOSUID }],
  ["sync", { set: MS_SYNCHRONOUS }],
  ["unbindable", { set: MS_UNBINDABLE }],
]);

export interface ParsedMountOptions {
  readonly flags: number;
  /** What no flag stands for, joined by commas: the file system's own options. */
  readonly data: string;
}

/** Later words win over earlier ones, as `ro,rw`. */
export function parseMountOptions(options: readonly string[]): ParsedMountOptions {
  let flags = 0;
  const data: string[] = [];
  for (const option of options) {
    const effect = EFFECTS.get(option);
    if (effect === undefined) data.push(option);
    else if ("set" in effect) flags |= effect.set;
    else flags &= ~effect.clear;
  }
  return { flags, data: data.join(",") };
}
