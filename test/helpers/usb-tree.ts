// A made-up /sys with USB in it: controllers with their root hubs, and what is plugged into their ports, laid out as the kernel does it.
import { mkdir, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface UsbHub {
  readonly bus: number;
  /** Megabits per second: 480 of USB 2, 5000 and more of USB 3. */
  readonly speed: number;
  readonly ports: number;
  /** Default: `pci0000:00/0000:00:02.0`. */
  readonly controller?: string;
  /** Default: `xhci-hcd`. */
  readonly driver?: string;
}

export interface UsbNode {
  readonly subsystem: string;
  /** Below /dev. */
  readonly name: string;
  /** `major:minor` */
  readonly numbers: string;
  /** Below the device, as in `1-2:1.0/tty/ttyACM0`. Default: the device itself. */
  readonly at?: string;
}

export interface UsbTree {
  /** What takes the place of /sys. */
  readonly dir: string;
  addHub(hub: UsbHub): Promise<void>;
  /** Adds to what is there at `1-2`, port 2 of bus 1, or makes it. */
  plug(port: string, nodes: readonly UsbNode[]): Promise<void>;
  /** Takes away all that is there. */
  unplug(port: string): Promise<void>;
}

/** Makes it in `dir`, which is made: without any hub yet. */
export async function makeUsbTree(dir: string): Promise<UsbTree> {
  const links = join(dir, "bus", "usb", "devices");
  await mkdir(links, { recursive: true });
  const folders = new Map<string, string>();
  const write = async (folder: string, attributes: Readonly<Record<string, string>>): Promise<void> => {
    await mkdir(folder, { recursive: true });
    for (const [name, value] of Object.entries(attributes)) await writeFile(join(folder, name), `${value}\n`);
  };
  return {
    dir,
    addHub: async ({ bus, speed, ports, controller = "pci0000:00/0000:00:02.0", driver = "xhci-hcd" }) => {
      const folder = join(dir, "devices", controller, `usb${bus}`);
      const attributes = { manufacturer: `Linux 6.1.0 ${driver}`, speed: String(speed), maxchild: String(ports) };
      await write(folder, { ...attributes, dev: `189:${(bus - 1) * 128}` });
      await symlink(folder, join(links, `usb${bus}`));
      // The hub's own interface, which is no port.
      await write(join(folder, `${bus}-0:1.0`), {});
      await symlink(join(folder, `${bus}-0:1.0`), join(links, `${bus}-0:1.0`));
      folders.set(String(bus), folder);
    },
    plug: async (port, nodes) => {
      const [bus = ""] = port.split("-");
      const folder = join(folders.get(bus) ?? dir, port);
      await write(folder, {});
      for (const { subsystem, name, numbers, at = "." } of nodes) {
        const place = join(folder, at);
        const [major, minor] = numbers.split(":");
        await write(place, { uevent: `MAJOR=${major}\nMINOR=${minor}\nDEVNAME=${name}`, dev: numbers });
        await symlink(join(dir, "class", subsystem), join(place, "subsystem"));
      }
      if (!(await readdir(links)).includes(port)) await symlink(folder, join(links, port));
    },
    unplug: async (port) => {
      const [bus = ""] = port.split("-");
      await rm(join(links, port), { force: true });
      await rm(join(folders.get(bus) ?? dir, port), { recursive: true, force: true });
    },
  };
}
