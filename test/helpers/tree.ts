// A tree of files told name by name, so that two can be compared: names, types, modes, owners, times, links, devices, xattrs and
// contents. Read through system calls of its own kind (node:fs), not through what the differ uses.
import { createHash } from "node:crypto";
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { getXattr, listXattrs } from "../../runtime/sys/xattr.js";

export interface TreeOptions {
  /** Times from this one (milliseconds since 1970) to the present are told as "recent": nobody chose them. */
  readonly recentMs?: number;
}

/** A time of modification, as it is told. */
export function tellTime({ mtimeNs, mtimeMs }: BigIntStats, { recentMs }: TreeOptions): string {
  const isRecent = recentMs !== undefined && mtimeMs >= recentMs && mtimeMs <= Date.now();
  return `mtime=${isRecent ? "recent" : mtimeNs}`;
}

const DEVICE_TYPES = 0o060000;

/** Names are byte strings here: some are not UTF-8. */
const bytes = (root: string, path: string): Buffer =>
  Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);

/** One line for each name below `root`, the root itself left out, sorted by name. */
export function describeTree(root: string, options: TreeOptions = {}): string[] {
  const lines: string[] = [];
  const firstNames = new Map<string, string>();
  const visit = (path: string): void => {
    for (const name of readdirSync(bytes(root, path), "latin1").sort()) {
      const inside = path === "" ? name : `${path}/${name}`;
      const full = bytes(root, inside);
      const status = lstatSync(full, { bigint: true });
      const identity = `${status.dev}:${status.ino}`;
      const parts = [inside, status.mode.toString(8), `${status.uid}:${status.gid}`];
      parts.push(tellTime(status, options));
      const first = firstNames.get(identity);
      if (!status.isDirectory() && first !== undefined) parts.push(`link=${first}`);
      else firstNames.set(identity, inside);
      if (status.isSymbolicLink()) parts.push(`-> ${readlinkSync(full)}`);
      if (status.isFile())
        parts.push(`${status.size} ${createHash("sha256").update(readFileSync(full)).digest("hex").slice(0, 16)}`);
      if ((Number(status.mode) & DEVICE_TYPES) === 0o020000 || (Number(status.mode) & DEVICE_TYPES) === 0o060000) {
        parts.push(`device=${status.rdev}`);
      }
      for (const xattr of listXattrs(full).sort()) parts.push(`${xattr}=${getXattr(full, xattr)?.toString("hex")}`);
      lines.push(parts.join(" "));
      if (status.isDirectory()) visit(inside);
    }
  };
  visit("");
  return lines;
}
