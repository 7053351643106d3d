// The device nodes of what is plugged into a USB port, as sysfs knows them: the device itself, and the terminals and disks that it is.
import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import type { UsbPort } from "./ports.js";

const SUBSYSTEMS = ["usb", "tty", "block"];
/** The device itself, a hub's devices below it, and what their interfaces have: deeper than this nothing is looked for. */
const DEPTH = 16;

export interface DeviceNode {
  /** `/dev/bus/usb/001/004`, `/dev/ttyUSB0`, `/dev/sda1` */
  readonly path: string;
  readonly isBlock: boolean;
  readonly major: number;
  readonly minor: number;
}

/** Sorted by path; empty when nothing is plugged in. */
export async function listDeviceNodes(sysDir: string, port: UsbPort): Promise<readonly DeviceNode[]> {
  const folder = await realpath(join(sysDir, "bus", "usb", "devices", port)).catch(() => undefined);
  if (folder === undefined) return [];
  const nodes = await collect(folder, DEPTH);
  return nodes.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Whatever goes away meanwhile is left out. */
async function collect(folder: string, depth: number): Promise<DeviceNode[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const own = entries.some(({ name }) => name === "dev") ? await readNode(folder) : undefined;
  const nodes = own === undefined ? [] : [own];
  if (depth === 0) return nodes;
  // Links lead out of the tree, and back up.
  for (const entry of entries)
    if (entry.isDirectory()) nodes.push(...(await collect(join(folder, entry.name), depth - 1)));
  return nodes;
}

async function readNode(folder: string): Promise<DeviceNode | undefined> {
  try {
    const subsystem = basename(await readlink(join(folder, "subsystem")));
    if (!SUBSYSTEMS.includes(subsystem)) return undefined;
    const numbers = /^(\d+):(\d+)$/.exec((await readFile(join(folder, "dev"), "utf8")).trim());
    const name = /^DEVNAME=([\w./!:@-]+)$/m.exec(await readFile(join(folder, "uevent"), "utf8"))?.[1];
    if (numbers === null || name === undefined || name.split("/").includes("..")) return undefined;
    return {
      path: `/dev/${name}`,
      isBlock: subsystem === "block",
      major: Number(numbers[1]),
      minor: Number(numbers[2]),
    };
  } catch {
    return undefined;
  }
}
