// What a layer says of a thing besides its contents: owner, extended attributes, mode, times. Root sets all of it. A user can give
// nothing away and must get at everything again, so for a user: what is made stays the user's own; set-id bits and `security.*`
// attributes, which mean something for other owners only, are left out; the user may always read, and enter and change folders;
// device nodes are left out.
// @source containerd archive/tar.go (createTarFile: the order), archive/tar_opts_linux.go

import { XATTR_PREFIX } from "../../../api/core/tar/pax.js";
import type { TarEntry } from "../../../api/core/tar/reader.js";
import { check, chmodAt, chmodFd, chownAt, chownFd, pathAt, readable, setTimesAt, setTimesFd } from "../../sys/at.js";
import { hasCode } from "../../sys/errno.js";
import type { Folder } from "../../sys/trees/folder-tree.js";
import { setXattr } from "../../sys/xattr.js";

const PERMISSIONS = 0o7777;
const SET_ID_BITS = 0o6000;
const OWNER_READS = 0o400;
const OWNER_ENTERS = 0o700;
/** The last moment that 64 bits of nanoseconds hold; beyond it, and before 1970, a time is taken for none. */
const MAX_TIME_NS = 2n ** 63n - 1n;

/** Sets what entries say, as far as this process may. The order counts: a new owner takes set-id bits and some attributes away. */
export class Attributes {
  readonly #isRoot: boolean;

  constructor(isRoot = process.geteuid?.() === 0) {
    this.#isRoot = isRoot;
  }

  /** Whether device nodes are made; otherwise they are left out. */
  get makesDevices(): boolean {
    return this.#isRoot;
  }

  /** Of an open folder. Its times come last of all, as what is put into it changes them. */
  ofFolder(folder: Folder, entry: TarEntry, where: string): void {
    if (this.#isRoot) check(chownFd(folder.fd, entry.uid, entry.gid), "chown", where);
    if (entry.pax.size > 0) this.#setXattrs(pathAt(folder.fd, "."), entry);
    check(chmodFd(folder.fd, this.#modeOf(entry, OWNER_ENTERS)), "chmod", where);
  }

  /** Of a file that is open as `fd` and has the name `base` in `folder`. */
  ofFile(fd: number, folder: Folder, base: string, entry: TarEntry): void {
    const where = folder.path + base;
    if (this.#isRoot) check(chownFd(fd, entry.uid, entry.gid), "chown", where);
    if (entry.pax.size > 0) this.#setXattrs(pathAt(folder.fd, base), entry);
    check(chmodFd(fd, this.#modeOf(entry, OWNER_READS)), "chmod", where);
    const { accessedNs, modifiedNs } = timesOf(entry);
    check(setTimesFd(fd, accessedNs, modifiedNs), "utimes", where);
  }

  /** Of whatever has the name. A symbolic link has no mode of its own. */
  ofName(folder: Folder, base: string, entry: TarEntry, { isLink }: { readonly isLink: boolean }): void {
    const where = folder.path + base;
    if (this.#isRoot) check(chownAt(folder.fd, base, entry.uid, entry.gid), "chown", where);
    this.#setXattrs(pathAt(folder.fd, base), entry);
    if (!isLink) check(chmodAt(folder.fd, base, this.#modeOf(entry, OWNER_READS)), "chmod", where);
    const { accessedNs, modifiedNs } = timesOf(entry);
    check(setTimesAt(folder.fd, base, accessedNs, modifiedNs), "utimes", where);
  }

  /** `atLeast`: what the owner keeps who is not root, whatever the layer says. */
  #modeOf(entry: TarEntry, atLeast: number): number {
    const mode = entry.mode & PERMISSIONS;
    return this.#isRoot ? mode : (mode & ~SET_ID_BITS) | atLeast;
  }

  /** `trusted.*` is overlayfs's own; what the file system has no room for is left out, as tar does. */
  #setXattrs(path: Buffer, entry: TarEntry): void {
    for (const [key, value] of entry.pax) {
      if (!key.startsWith(XATTR_PREFIX)) continue;
      const name = readable(key.slice(XATTR_PREFIX.length));
      if (name.startsWith("trusted.") || (!this.#isRoot && name.startsWith("security."))) continue;
      try {
        setXattr(path, name, Buffer.from(value, "latin1"));
      } catch (error) {
        if (!hasCode(error, "ENOTSUP") && !hasCode(error, "EOPNOTSUPP")) throw error;
      }
    }
  }
}

/** As they are set: never accessed before it was modified. */
export function timesOf(entry: TarEntry): { readonly accessedNs: bigint; readonly modifiedNs: bigint } {
  const modifiedNs = boundedTime(entry.modifiedNs);
  const accessedNs = boundedTime(entry.accessedNs ?? 0n);
  // Math.max is for numbers alone.
  if (accessedNs < modifiedNs) return { accessedNs: modifiedNs, modifiedNs };
  return { accessedNs, modifiedNs };
}

const boundedTime = (time: bigint): bigint => (time < 0n || time > MAX_TIME_NS ? 0n : time);
