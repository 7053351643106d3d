// Device nodes of this host: what is behind a path, and which path leads to a disk.
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface HostDevice {
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  /** Permission bits. */
  readonly fileMode: number;
  readonly uid: number;
  readonly gid: number;
}

export type FindDevice = (path: string) => HostDevice | undefined;

const PERMISSIONS = 0o777;

/** undefined where there is no device at that path. */
export function hostDevice(path: string): HostDevice | undefined {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return undefined;
  if (!stats.isBlockDevice() && !stats.isCharacterDevice()) return undefined;
  const bits = BigInt(stats.rdev);
  return {
    type: stats.isBlockDevice() ? "b" : "c",
    major: Number(((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n)),
    minor: Number((bits & 0xffn) | ((bits >> 12n) & 0xffffff00n)),
    fileMode: stats.mode & PERMISSIONS,
    uid: stats.uid,
    gid: stats.gid,
  };
}

/** The node of a disk; undefined where the kernel has none of these numbers, or /dev does not. */
export function diskPath(major: number, minor: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/sys/dev/block/${major}:${minor}/uevent`, "utf8");
  } catch {
    return undefined;
  }
  const name = /^DEVNAME=(.+)$/m.exec(text)?.[1];
  if (name === undefined) return undefined;
  const path = join("/dev", name);
  const found = hostDevice(path);
  return found?.major === major && found.minor === minor ? path : undefined;
}
