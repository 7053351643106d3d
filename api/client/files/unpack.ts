// An archive into a folder of a tree, over what is there. Names cannot lead out of the tree: folders are followed by open
// descriptors, and everything gets its name at once when it is whole, so nobody ever sees half a file. What was made for an archive
// that turns out broken, or for which the disk has no room, can be taken back.
import { randomBytes } from "node:crypto";
import { constants, ftruncateSync, writeSync } from "node:fs";
import { constants as os } from "node:os";
import {
  check,
  chmodAt,
  chmodFd,
  chownAt,
  chownFd,
  closeFd,
  deviceNumber,
  hardLinkAt,
  makeLinkAt,
  makeNodeAt,
  openAt,
  readable,
  renameAt,
  setTimesAt,
  setTimesFd,
  statAt,
  unlinkAt,
} from "../../../runtime/sys/at.js";
import { hasCode } from "../../../runtime/sys/errno.js";
import { systemError } from "../../../runtime/sys/libc.js";
import { cleanComponents, type Folder, type FolderTree } from "../../../runtime/sys/trees/folder-tree.js";
import { removeTree } from "../../../runtime/sys/trees/remove-tree.js";
import { failedPrecondition } from "../../core/errors.js";
import { TarError } from "../../core/tar/header.js";
import type { TarEntry, TarHandler } from "../../core/tar/reader.js";
import { writeInPlace } from "./in-place.js";
import { type Owners, setXattrsOf } from "./owners.js";

const { EBUSY, EEXIST, EISDIR, ENOTEMPTY } = os.errno;
const { O_CREAT, O_EXCL, O_RDWR, S_IFBLK, S_IFCHR, S_IFIFO } = constants;
const SPECIAL_TYPES: Readonly<Record<string, number>> = { "3": S_IFCHR, "4": S_IFBLK, "6": S_IFIFO };
const OWNER_ENTERS = 0o700;

export interface UnpackOptions {
  readonly tree: FolderTree;
  /** The folder that the archive's names begin in: its path, of a folder of the tree, without links. */
  readonly into: readonly string[];
  readonly owners: Owners;
  /** What an entry is to be called instead; as a byte string. Default: as it is called. */
  readonly rename?: ((name: string) => string) | undefined;
  /**
   * Paths on which something is mounted elsewhere, as in a container: the kernel would let us put something else in their place, and take
   * the mount away from those who have it.
   */
  readonly mountPoints?: ReadonlySet<string> | undefined;
  /** Told of what is not made, as people read it, and why. */
  readonly onLeftOut?: ((path: string, why: string) => void) | undefined;
}

interface OpenFile {
  readonly fd: number;
  readonly folder: Folder;
  readonly base: string;
  readonly draft: string;
  readonly entry: TarEntry;
  writtenTo: number;
}

interface MadeFolder {
  readonly path: string;
  readonly mode: number;
  readonly modifiedNs: bigint;
}

/** Pushed a tar reader's entries. The tree stays the caller's. */
export class Unpacker implements TarHandler {
  readonly #options: UnpackOptions;
  readonly #draft = `.berth-cp-${randomBytes(6).toString("hex")}`;
  #file: OpenFile | undefined;
  /** Paths with a slash at their end. */
  readonly #madeFolders = new Map<string, MadeFolder>();
  /** The topmost names that were not there before. */
  readonly #made: { readonly folder: string; readonly base: string }[] = [];

  constructor(options: UnpackOptions) {
    this.#options = options;
  }

  entry(entry: TarEntry): void {
    const { tree } = this.#options;
    tree.trim();
    const components = this.#componentsOf(entry.name);
    const base = components.pop();
    // The folder itself is the target's own.
    if (base === undefined) return;
    if (entry.type === "5") {
      this.#makeFolder(components, base, entry);
      return;
    }
    const folder = this.#folder(components);
    if (entry.type === "0") this.#startFile(folder, base, entry);
    else if (entry.type === "1") this.#makeHardLink(folder, base, entry);
    else if (entry.type === "2") {
      this.#make(folder, base, (draft) => makeLinkAt(folder.fd, draft, entry.linkName), "symlink");
      this.#finishName(folder, base, entry, { isLink: true });
    } else this.#makeSpecial(folder, base, entry);
  }

  data(buffer: Buffer, start: number, end: number, offset: number): void {
    const file = this.#file;
    if (file === undefined) return;
    for (let at = start; at < end; ) at += writeSync(file.fd, buffer, at, end - at, offset + at - start);
    file.writtenTo = offset + end - start;
  }

  end(): void {
    const file = this.#file;
    if (file === undefined) return;
    const { fd, folder, base, draft, entry } = file;
    if (file.writtenTo < entry.fileBytes) ftruncateSync(fd, entry.fileBytes);
    const { owners } = this.#options;
    const where = folder.path + base;
    const owner = owners.of(entry, where);
    if (owner !== undefined) check(chownFd(fd, owner.uid, owner.gid), "chown", where);
    setXattrsOf(folder, draft, entry, owners);
    check(chmodFd(fd, owners.modeOf(entry)), "chmod", where);
    check(setTimesFd(fd, entry.modifiedNs, entry.modifiedNs), "utimes", where);
    this.#giveName(folder, base, draft);
    this.#file = undefined;
    closeFd(fd);
  }

  /** After the last entry: folders get their modes and times. */
  finish(): void {
    const { tree } = this.#options;
    // The innermost first: an outer one may be closed to us afterwards.
    for (const { path, mode, modifiedNs } of [...this.#madeFolders.values()].toReversed()) {
      tree.trim();
      const folder = tree.resolve(path.split("/"));
      if (folder === undefined || folder.path !== path) continue;
      check(chmodFd(folder.fd, mode), "chmod", path);
      check(setTimesFd(folder.fd, modifiedNs, modifiedNs), "utimes", path);
    }
  }

  /** Takes back what was made. What was replaced stays so. */
  undo(): void {
    const { tree } = this.#options;
    this.#dropFile();
    for (const { folder: path, base } of this.#made.toReversed()) {
      try {
        tree.trim();
        const folder = tree.resolve(path.split("/"));
        if (folder === undefined || folder.path !== path) continue;
        tree.forget(folder, base);
        removeTree(folder.fd, base);
      } catch {
        // Why the copy failed is what matters; the rest goes all the same.
      }
    }
  }

  #componentsOf(name: string): string[] {
    const { into, rename } = this.#options;
    const own = cleanComponents(rename === undefined ? name : rename(name));
    return own.length === 0 ? [] : [...into, ...own];
  }

  #folder(components: readonly string[]): Folder {
    const made: Folder[] = [];
    const folder = this.#options.tree.resolve(components, { made: (one) => void made.push(one) });
    // Some folder is always made where it is missing.
    if (folder === undefined) throw systemError("open", os.errno.ENOENT, readable(components.join("/")));
    for (const one of made) {
      const owner = this.#options.owners.ofMissing();
      if (owner !== undefined) check(chownFd(one.fd, owner.uid, owner.gid), "chown", one.path);
      if (one.parent !== undefined) this.#noteMade(one.parent, one.path.slice(one.parent.path.length, -1));
      this.#madeFolders.set(one.path, { path: one.path, mode: 0o755, modifiedNs: nowNs() });
    }
    return folder;
  }

  #makeFolder(components: readonly string[], base: string, entry: TarEntry): void {
    const { tree, owners } = this.#options;
    const parent = this.#folder(components);
    const where = parent.path + base;
    let folder: Folder;
    let isNew = true;
    try {
      folder = tree.makeFolder(parent, base);
      this.#noteMade(parent, base);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
      const there = existingFolder(tree, [...components, base]);
      if (there === undefined) throw inTheWay(where, "a file", "a folder");
      folder = there;
      isNew = false;
    }
    if (!isNew && !owners.keep) return;
    const owner = owners.of(entry, where);
    if (owner !== undefined) check(chownFd(folder.fd, owner.uid, owner.gid), "chown", where);
    setXattrsOf(folder, ".", entry, owners);
    const mode = owners.modeOf(entry);
    check(chmodFd(folder.fd, mode | OWNER_ENTERS), "chmod", where);
    this.#madeFolders.set(folder.path, { path: folder.path, mode, modifiedNs: entry.modifiedNs });
  }

  #startFile(folder: Folder, base: string, entry: TarEntry): void {
    const draft = this.#draft;
    const fd = check(openAt(folder.fd, draft, O_CREAT | O_EXCL | O_RDWR, 0o600), "open", folder.path + base);
    this.#file = { fd, folder, base, draft, entry, writtenTo: 0 };
  }

  #makeHardLink(folder: Folder, base: string, entry: TarEntry): void {
    const components = this.#componentsOf(entry.linkName);
    const targetBase = components.pop() ?? "";
    const target = this.#options.tree.resolve(components);
    if (target === undefined) throw systemError("link", os.errno.ENOENT, readable(entry.linkName));
    this.#make(folder, base, (draft) => hardLinkAt(target.fd, targetBase, folder.fd, draft), "link");
    this.#giveName(folder, base, this.#draft);
  }

  #makeSpecial(folder: Folder, base: string, entry: TarEntry): void {
    const type = SPECIAL_TYPES[entry.type];
    if (type === undefined) throw new TarError(`unhandled tar header type ${entry.type.charCodeAt(0)}`);
    if (type !== S_IFIFO && !this.#options.owners.makesDevices) {
      this.#options.onLeftOut?.(readable(entry.name), "a device, which only a copy with its owners keeps");
      return;
    }
    const device = type === S_IFIFO ? 0n : deviceNumber(entry.major, entry.minor);
    this.#make(folder, base, (draft) => makeNodeAt(folder.fd, draft, type | 0o600, device), "mknod");
    this.#finishName(folder, base, entry, { isLink: false });
  }

  #make(folder: Folder, base: string, make: (draft: string) => number, call: string): void {
    check(make(this.#draft), call, folder.path + base);
  }

  #finishName(folder: Folder, base: string, entry: TarEntry, { isLink }: { readonly isLink: boolean }): void {
    const { owners } = this.#options;
    const [where, draft] = [folder.path + base, this.#draft];
    try {
      const owner = owners.of(entry, where);
      if (owner !== undefined) check(chownAt(folder.fd, draft, owner.uid, owner.gid), "chown", where);
      setXattrsOf(folder, draft, entry, owners);
      if (!isLink) check(chmodAt(folder.fd, draft, owners.modeOf(entry)), "chmod", where);
      check(setTimesAt(folder.fd, draft, entry.modifiedNs, entry.modifiedNs), "utimes", where);
    } catch (error) {
      unlinkAt(folder.fd, draft);
      throw error;
    }
    this.#giveName(folder, base, draft);
  }

  /** What is whole gets its name, in place of whatever had it. */
  #giveName(folder: Folder, base: string, draft: string): void {
    const where = folder.path + base;
    const isNew = typeof statAt(folder.fd, base) === "number";
    this.#options.tree.forget(folder, base);
    const isMounted = this.#options.mountPoints?.has(where) === true;
    const result = isMounted ? -EBUSY : renameAt(folder.fd, draft, base);
    if (result >= 0 && isNew) this.#noteMade(folder, base);
    try {
      if (result === -EISDIR || result === -ENOTEMPTY || result === -EEXIST) {
        throw inTheWay(where, "a folder", "something else");
      }
      // Something is mounted on it, as on /etc/hosts of many containers: it can only be written to.
      if (result === -EBUSY && this.#file !== undefined) writeInPlace(this.#file.fd, folder, base);
      else check(result, "rename", where);
    } finally {
      // A link to the very file that has the name already stays where it was.
      unlinkAt(folder.fd, draft);
    }
  }

  #noteMade(folder: Folder, base: string): void {
    if (!this.#madeFolders.has(folder.path)) this.#made.push({ folder: folder.path, base });
  }

  #dropFile(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    unlinkAt(file.folder.fd, file.draft);
    closeFd(file.fd);
  }
}

const nowNs = (): bigint => BigInt(Date.now()) * 1_000_000n;

const inTheWay = (where: string, there: string, comes: string): Error =>
  failedPrecondition(`/${readable(where)} is ${there}, and ${comes} cannot take its place`);

/** A folder, also one that a link leads to. */
function existingFolder(tree: FolderTree, components: readonly string[]): Folder | undefined {
  try {
    return tree.resolve(components);
  } catch (error) {
    if (hasCode(error, "ENOTDIR")) return undefined;
    throw error;
  }
}
