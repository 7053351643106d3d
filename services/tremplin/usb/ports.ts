// The USB ports of the machine by the numbers that callers know: from 1 on, those of an xHCI controller's USB 2 root hub, then those of
// its USB 3 one. (A machine with several controllers goes on counting with the next.)
import { readdir, readFile, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";

const XHCI = /\bxhci[-_]hcd\b/;
const ROOT_HUB = /^usb(\d+)$/;
/** Megabits per second, from which on a hub is one of USB 3. */
const USB3_SPEED = 5_000;

/** What the kernel calls the device that is plugged in there: `1-4` is port 4 of bus 1. */
export type UsbPort = string;

interface RootHub {
  readonly bus: number;
  readonly controller: string;
  readonly isUsb3: boolean;
  readonly portCount: number;
}

/** In the order of their numbers, of which the first is 1; empty where there is no such controller. @param sysDir usually /sys */
export async function listUsbPorts(sysDir: string): Promise<readonly UsbPort[]> {
  const devices = join(sysDir, "bus", "usb", "devices");
  const names = await readdir(devices).catch(() => []);
  const found = await Promise.all(names.map((name) => readRootHub(devices, name)));
  const hubs = found.filter((hub) => hub !== undefined);
  const firstBus = (of: RootHub): number =>
    Math.min(...hubs.filter(({ controller }) => controller === of.controller).map(({ bus }) => bus));
  hubs.sort((a, b) => firstBus(a) - firstBus(b) || Number(a.isUsb3) - Number(b.isUsb3) || a.bus - b.bus);
  return hubs.flatMap(({ bus, portCount }) => Array.from({ length: portCount }, (_, at) => `${bus}-${at + 1}`));
}

/** undefined for anything but a root hub of xHCI. */
async function readRootHub(devices: string, name: string): Promise<RootHub | undefined> {
  const bus = Number(ROOT_HUB.exec(name)?.[1]);
  if (Number.isNaN(bus)) return undefined;
  const folder = join(devices, name);
  const read = async (attribute: string): Promise<string> => (await readFile(join(folder, attribute), "utf8")).trim();
  try {
    if (!XHCI.test(await read("manufacturer"))) return undefined;
    return {
      bus,
      controller: dirname(await realpath(folder)),
      isUsb3: Number(await read("speed")) >= USB3_SPEED,
      portCount: Number.parseInt(await read("maxchild"), 10) || 0,
    };
  } catch {
    // It went away, as a controller can.
    return undefined;
  }
}
