// Mounting and unmounting in the mount namespace of this process. The calls are synchronous: some 15 microseconds each.
// @source containerd mount/mount_linux.go (the order of calls)
import { readFileSync, realpathSync } from "node:fs";
import { constants } from "node:os";
import { hasCode } from "./errno.js";
import { cString, systemError, tryCall } from "./libc.js";
import {
  MS_BIND,
  MS_RDONLY,
  MS_REC,
  MS_REMOUNT,
  MS_SILENT,
  PROPAGATION_FLAGS,
  parseMountOptions,
} from "./mount-options.js";
import { withShortLayers } from "./short-layers.js";

const MNT_DETACH = 2;
/** A link in place of the target must not lead the unmount elsewhere. */
const UMOUNT_NOFOLLOW = 8;
/** The kernel reads one page of options and would cut the rest off silently. */
const MAX_DATA_BYTES = 4095;

export interface MountRequest {
  /** Type of the file system; ignored by the kernel for bind mounts. */
  readonly type: string;
  readonly source: string;
  /** An existing folder (or file, for bind mounts of files). */
  readonly target: string;
  /** As in fstab: `ro`, `rbind`, `lowerdir=…`. */
  readonly options: readonly string[];
}

function mountOnce(source: string, target: string, type: string, flags: number, data: string): void {
  const result = tryCall(
    "mount",
    cString("mount", source),
    cString("mount", target),
    cString("mount", type),
    flags,
    data === "" ? null : cString("mount", data),
  );
  if (result < 0) throw systemError("mount", -result, target);
}

/**
 * Mounts `source` on `target`. When a later step fails (propagation, read-only), the mount is undone.
 * @throws an Error with an errno code: E2BIG for more options than the kernel takes, also with the shortest paths of overlay layers.
 */
export function mount(request: MountRequest): void {
  if (request.type !== "overlay" || isShort(parseMountOptions(request.options).data)) mountWith(request);
  else withShortLayers(request.options, (options) => mountWith({ ...request, options }));
}

const isShort = (data: string): boolean => Buffer.byteLength(data) <= MAX_DATA_BYTES;

function mountWith(request: MountRequest): void {
  const { source, target, type } = request;
  const { flags, data } = parseMountOptions(request.options);
  if (!isShort(data)) throw systemError("mount", constants.errno.E2BIG, target);
  const ownFlags = flags & ~PROPAGATION_FLAGS;
  const isNew = (flags & MS_REMOUNT) === 0;
  if (isNew || data !== "") mountOnce(source, target, type, ownFlags, data);
  try {
    if ((flags & PROPAGATION_FLAGS) !== 0) {
      mountOnce("", target, "", flags & (PROPAGATION_FLAGS | MS_REC | MS_SILENT), "");
    }
    // The first call of a bind mount ignores `ro` and its kin; they need a second one.
    if ((ownFlags & MS_BIND) !== 0 && (ownFlags & MS_RDONLY) !== 0)
      mountOnce("", target, "", ownFlags | MS_REMOUNT, "");
  } catch (error) {
    if (isNew) unmount(target, { detach: true });
    throw error;
  }
}

/** The folder that mounting would show, for who may not mount: where the only mount is a bind mount, its source. */
export function shownWithoutMounting(mounts: readonly Omit<MountRequest, "target">[]): string | undefined {
  const [first, ...more] = mounts;
  if (process.geteuid?.() === 0 || first === undefined || more.length > 0) return undefined;
  const isBind = (parseMountOptions(first.options).flags & MS_BIND) !== 0;
  return isBind ? first.source : undefined;
}

/**
 * Takes the topmost mount off `path`.
 * @param options `detach`: out of sight at once, gone when nobody uses it any more.
 * @returns false when there is nothing to unmount: no such path, or no mount on it.
 * @throws an Error with an errno code: EBUSY, EPERM, …
 */
export function unmount(path: string, options: { readonly detach?: boolean } = {}): boolean {
  const flags = UMOUNT_NOFOLLOW | (options.detach === true ? MNT_DETACH : 0);
  const result = tryCall("umount2", cString("umount2", path), flags);
  if (result >= 0) return true;
  const errno = -result;
  if (errno === constants.errno.ENOENT || errno === constants.errno.EINVAL) return false;
  // A user is told so whether something is mounted there or not.
  if (errno === constants.errno.EPERM && !isMountPoint(path)) return false;
  throw systemError("umount2", errno, path);
}

/** mountinfo writes blank, tab, newline and backslash as three octal digits. */
function unescapeMountPoint(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Where something is mounted, in the order of mounting; a place with several mounts comes as often. */
export function listMountPoints(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => unescapeMountPoint(line.split(" ")[4] ?? ""));
}

/** Whether something is mounted on `path` itself; links are followed. Nothing there is false. */
export function isMountPoint(path: string): boolean {
  let resolved: string;
  try {
    resolved = realpathSync(path);
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
  return listMountPoints().includes(resolved);
}
