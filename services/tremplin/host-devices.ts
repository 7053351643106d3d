// Devices of the host that every container is given, where the host has them.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { hasCode } from "../../runtime/sys/errno.js";

type Devices = Record<string, Readonly<Record<string, string>>>;

/** Below the host's folder of devices: file systems of users, tunnels, virtual machines, graphics, and what plays sound. */
const PATTERNS: readonly (readonly [folder: string, name: RegExp])[] = [
  [".", /^(fuse|kvm|vhost-vsock)$/],
  ["net", /^tun$/],
  ["dri", /^(card|renderD)\d+$/],
  // Recording is not everybody's.
  ["snd", /^(controlC\d+|pcmC\d+D\d+p|timer)$/],
];

/** As LXD's devices, by names made of their paths. */
export async function hostDevices(folder: string): Promise<Devices> {
  const devices: Devices = {};
  for (const [below, pattern] of PATTERNS) {
    const names = await readdir(join(folder, below)).catch((error: unknown) => {
      if (hasCode(error, "ENOENT", "ENOTDIR")) return [];
      throw error;
    });
    for (const name of names.filter((each) => pattern.test(each)).sort()) {
      const place = join(below, name);
      devices[place.replaceAll("/", "-")] = {
        type: "unix-char",
        source: join(folder, place),
        path: join("/dev", place),
        mode: "0666",
      };
    }
  }
  return devices;
}
