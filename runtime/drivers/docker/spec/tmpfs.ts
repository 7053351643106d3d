// The options of a file system in memory: the OCI's, as Docker writes them.

/** What Docker adds by itself where the opposite is not said. */
const OPPOSITES = new Map([
  ["noexec", "exec"],
  ["nosuid", "suid"],
  ["nodev", "dev"],
]);
const FLAGS = new Set([
  ...[...OPPOSITES].flat(),
  ...["ro", "rw", "sync", "async", "dirsync", "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime"],
  ...["strictatime", "nostrictatime"],
]);
const VALUES = /^(size|mode|uid|gid|nr_inodes|nr_blocks|mpol)=[^,]+$/;
const SIZE = /^size=(\d+)([kmg]?)$/i;
const UNITS = new Map([
  ["", 1],
  ["k", 1024],
  ["m", 1024 ** 2],
  ["g", 1024 ** 3],
]);

/** `size=65536k` in bytes; undefined for another option, or a share of the memory. */
export function sizeBytes(option: string): number | undefined {
  const [, digits, unit = ""] = SIZE.exec(option) ?? [];
  const factor = UNITS.get(unit.toLowerCase());
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/** As Docker wants them, and those it cannot have. */
export function tmpfsOptions(options: readonly string[]): {
  readonly text: string;
  readonly refused: readonly string[];
} {
  const isKnown = (option: string) => FLAGS.has(option) || VALUES.test(option);
  const open = [...OPPOSITES].filter(([closed]) => !options.includes(closed)).map(([, opposite]) => opposite);
  const all = [...new Set([...options.filter(isKnown), ...open])];
  return { text: all.join(","), refused: options.filter((option) => !isKnown(option)) };
}
