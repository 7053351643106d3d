// Device nodes of this host, as a spec describes them.
// @source containerd pkg/oci/utils_unix.go
import { lstatSync, readdirSync, type Stats } from "node:fs";
import { join } from "node:path";
import { invalidArgument } from "../../core/errors.js";
import type { Device, DeviceRule } from "./oci.js";

/** Folders below /dev that every container has of its own. */
const OWN_FOLDERS = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev"]);

/** The device at `path`, or all devices below it if it is a folder. @throws invalid_argument for anything else. */
export function findDevices(path: string): Device[] {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) throw invalidArgument(`device "${path}" does not exist`);
  const devices = stats.isDirectory()
    ? devicesBelow(path)
    : [toDevice(path, stats)].filter((device) => device !== undefined);
  if (devices.length === 0) throw invalidArgument(`"${path}" is no device`);
  return devices;
}

/** All devices of the host, less the consoles and what every container has of its own. */
export function hostDevices(): Device[] {
  return devicesBelow("/dev");
}

/** The rule that lets a container use a device. */
export function ruleFor(device: Device): DeviceRule {
  return { allow: true, type: device.type, major: device.major, minor: device.minor, access: "rwm" };
}

function devicesBelow(folder: string): Device[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return OWN_FOLDERS.has(entry.name) ? [] : devicesBelow(path);
    if (entry.name === "console") return [];
    const stats = lstatSync(path, { throwIfNoEntry: false });
    const device = stats === undefined ? undefined : toDevice(path, stats);
    return device === undefined ? [] : [device];
  });
}

function toDevice(path: string, stats: Stats): Device | undefined {
  const type = stats.isBlockDevice() ? "b" : stats.isCharacterDevice() ? "c" : undefined;
  if (type === undefined) return undefined;
  const { major, minor } = deviceNumbers(stats.rdev);
  return { path, type, major, minor, fileMode: stats.mode & 0o777, uid: stats.uid, gid: stats.gid };
}

/** The two halves of a Linux device number. */
export function deviceNumbers(rdev: number): { readonly major: number; readonly minor: number } {
  const bits = BigInt(rdev);
  const major = ((bits >> 8n) & 0xfffn) | ((bits >> 32n) & 0xfffff000n);
  const minor = (bits & 0xffn) | ((bits >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}
