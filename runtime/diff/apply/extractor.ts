// Makes of a layer's entries what they describe, inside one tree. How names are followed is folder-tree.ts's business; here every
// call names one thing in one open folder, and what is made is made anew: nothing that is there is ever opened for writing.
// @source containerd archive/tar.go (applyNaive, createTarFile), archive/tar_opts_linux.go, archive/tar_unix.go
import { constants, ftruncateSync, writeSync } from "node:fs";
import { constants as os } from "node:os";
import { badHeader, TarError } from "../../../api/core/tar/header.js";
import type { TarEntry, TarHandler } from "../../../api/core/tar/reader.js";
import {
  check,
  closeFd,
  deviceNumber,
  hardLinkAt,
  makeLinkAt,
  makeNodeAt,
  openAt,
  readable,
  setTimesAt,
  statAt,
} from "../../sys/at.js";
import { hasCode } from "../../sys/errno.js";
import { systemError } from "../../sys/libc.js";
import { cleanComponents, type Folder, type FolderTree } from "../../sys/trees/folder-tree.js";
import { Attributes, timesOf } from "./attributes.js";
import { hideName, makeOpaque, parseWhiteout, removeName, removeOthers, type Whiteout } from "./whiteouts.js";

const { EEXIST, ENOENT } = os.errno;
const { O_CREAT, O_EXCL, O_WRONLY, S_IFMT, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK } = constants;
const PERMISSIONS = 0o7777;
/** Of all names that must be remembered. */
const MAX_REMEMBERED_BYTES = 512 * 1024 * 1024;
const SPECIAL_TYPES: Readonly<Record<string, number>> = { "3": S_IFCHR, "4": S_IFBLK, "6": S_IFIFO };

export interface ExtractorOptions {
  /** The tree is the upper folder of an overlay: whiteouts become its signs. */
  readonly overlay: boolean;
  /** Told of each folder that no entry described, but a name needed. */
  readonly madeParent?: (folder: Folder) => void;
  /** Told of each folder that was there when an entry described it, before it takes effect. */
  readonly described?: (folder: Folder) => void;
}

interface OpenFile {
  readonly fd: number;
  readonly folder: Folder;
  readonly base: string;
  readonly entry: TarEntry;
  writtenTo: number;
}

interface FolderTimes {
  readonly path: string;
  readonly accessedNs: bigint;
  readonly modifiedNs: bigint;
}

/** Pushed a tar reader's entries. Dispose it whatever happened. */
export class Extractor implements TarHandler, Disposable {
  readonly #tree: FolderTree;
  readonly #options: ExtractorOptions;
  readonly #attributes = new Attributes();
  /** The file whose data is coming. */
  #file: OpenFile | undefined;
  readonly #unpacked = new Set<string>();
  /** Paths of device nodes that may not be made. */
  readonly #leftOut = new Set<string>();
  readonly #folderTimes: FolderTimes[] = [];
  #rememberedBytes = 0;

  /** Takes over the tree. */
  constructor(tree: FolderTree, options: ExtractorOptions) {
    this.#tree = tree;
    this.#options = options;
  }

  entry(entry: TarEntry): void {
    if (!isOwner(entry.uid) || !isOwner(entry.gid)) throw badHeader("an owner is no 32-bit number");
    this.#tree.trim();
    const components = cleanComponents(entry.name);
    const base = components.pop();
    // The root is the snapshot's own.
    if (base === undefined) return;
    const folder = this.#tree.resolve(components, { made: (made) => this.#options.madeParent?.(made) });
    if (folder === undefined) throw systemError("open", ENOENT, readable(entry.name));
    const whiteout = parseWhiteout(base);
    if (whiteout === undefined) this.#make(folder, base, entry);
    else this.#apply(whiteout, folder, entry);
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
    const { fd, folder, base, entry } = file;
    if (file.writtenTo < entry.fileBytes) ftruncateSync(fd, entry.fileBytes);
    this.#attributes.ofFile(fd, folder, base, entry);
    this.#file = undefined;
    closeFd(fd);
  }

  /** After the last entry: folders get their times, which what came into them has changed. */
  finish(): void {
    for (const { path, accessedNs, modifiedNs } of this.#folderTimes) {
      this.#tree.trim();
      const components = path.split("/");
      const base = components.pop() ?? "";
      const folder = this.#tree.resolve(components);
      const status = folder === undefined ? -ENOENT : statAt(folder.fd, base);
      // A later entry may have put something else in its place.
      if (folder === undefined || typeof status === "number" || (status.mode & S_IFMT) !== S_IFDIR) continue;
      check(setTimesAt(folder.fd, base, accessedNs, modifiedNs), "utimes", path);
    }
  }

  /** The open root. */
  get rootFd(): number {
    return this.#tree.root.fd;
  }

  [Symbol.dispose](): void {
    if (this.#file !== undefined) closeFd(this.#file.fd);
    this.#file = undefined;
    this.#tree[Symbol.dispose]();
  }

  #apply({ hides }: Whiteout, folder: Folder, entry: TarEntry): void {
    if (hides !== "") {
      if (this.#options.overlay) hideName(this.#tree, folder, hides, entry.uid, entry.gid);
      else removeName(this.#tree, folder, hides);
    } else if (this.#options.overlay) makeOpaque(folder);
    else removeOthers(this.#tree, folder, (path) => this.#unpacked.has(path));
  }

  #make(folder: Folder, base: string, entry: TarEntry): void {
    const path = folder.path + base;
    this.#leftOut.delete(path);
    if (!this.#options.overlay) {
      this.#remember(path);
      this.#unpacked.add(path);
    }
    switch (entry.type) {
      case "0":
        this.#startFile(folder, base, entry);
        return;
      case "5":
        this.#makeFolder(folder, base, entry, path);
        return;
      case "1":
        this.#makeHardLink(folder, base, entry);
        return;
      case "2":
        this.#inPlace(folder, base, "symlink", () => makeLinkAt(folder.fd, base, entry.linkName));
        this.#attributes.ofName(folder, base, entry, { isLink: true });
        return;
      default:
        this.#makeSpecial(folder, base, entry);
    }
  }

  #startFile(folder: Folder, base: string, entry: TarEntry): void {
    const fd = this.#inPlace(folder, base, "open", () => openAt(folder.fd, base, O_CREAT | O_EXCL | O_WRONLY, 0o600));
    this.#file = { fd, folder, base, entry, writtenTo: 0 };
  }

  /** One that is there is kept with all that is in it. */
  #makeFolder(parent: Folder, base: string, entry: TarEntry, path: string): void {
    let folder = this.#openOrMake(parent, base);
    if (folder !== undefined) this.#options.described?.(folder);
    else {
      removeName(this.#tree, parent, base);
      folder = this.#tree.makeFolder(parent, base);
      // What was here hid what lower layers have of this name, and so must the folder.
      if (this.#options.overlay) makeOpaque(folder);
    }
    this.#attributes.ofFolder(folder, entry, path);
    this.#remember(path);
    this.#folderTimes.push({ path, ...timesOf(entry) });
  }

  /** Undefined when something else is in the way. */
  #openOrMake(parent: Folder, base: string): Folder | undefined {
    try {
      return this.#tree.makeFolder(parent, base);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
    try {
      return this.#tree.openChild(parent, base);
    } catch (error) {
      if (hasCode(error, "ENOTDIR") || hasCode(error, "ELOOP")) return undefined;
      throw error;
    }
  }

  #makeHardLink(folder: Folder, base: string, entry: TarEntry): void {
    const components = cleanComponents(entry.linkName);
    const targetBase = components.pop() ?? "";
    const first = this.#tree.resolve(components);
    if (first !== undefined && this.#leftOut.has(first.path + targetBase)) {
      this.#leaveOut(folder, base);
      return;
    }
    // Looked up anew for every try: what had the name may have been a folder on the way to the target.
    this.#inPlace(folder, base, "link", () => {
      const target = this.#tree.resolve(components);
      if (target === undefined) return -ENOENT;
      // A link to itself stays what it is, instead of going first.
      if (target === folder && targetBase === base && typeof statAt(folder.fd, base) !== "number") return 0;
      return hardLinkAt(target.fd, targetBase, folder.fd, base);
    });
    const status = statAt(folder.fd, base);
    const isLink = typeof status !== "number" && (status.mode & S_IFMT) === S_IFLNK;
    this.#attributes.ofName(folder, base, entry, { isLink });
  }

  #makeSpecial(folder: Folder, base: string, entry: TarEntry): void {
    const type = SPECIAL_TYPES[entry.type];
    if (type === undefined) throw new TarError(`unhandled tar header type ${entry.type.charCodeAt(0)}`);
    if (type !== S_IFIFO && !this.#attributes.makesDevices) {
      this.#leaveOut(folder, base);
      return;
    }
    const device = type === S_IFIFO ? 0n : deviceNumber(entry.major, entry.minor);
    const mode = entry.mode & PERMISSIONS;
    this.#inPlace(folder, base, "mknod", () => makeNodeAt(folder.fd, base, type | mode, device));
    this.#attributes.ofName(folder, base, entry, { isLink: false });
  }

  /** What had the name is gone all the same. */
  #leaveOut(folder: Folder, base: string): void {
    removeName(this.#tree, folder, base);
    this.#remember(folder.path + base);
    this.#leftOut.add(folder.path + base);
  }

  /** Makes something under a name; what had it goes first. */
  #inPlace(folder: Folder, base: string, call: string, make: () => number): number {
    const first = make();
    if (first !== -EEXIST) return check(first, call, folder.path + base);
    removeName(this.#tree, folder, base);
    return check(make(), call, folder.path + base);
  }

  #remember(path: string): void {
    this.#rememberedBytes += path.length;
    if (this.#rememberedBytes > MAX_REMEMBERED_BYTES) throw new TarError("the layer has too many names");
  }
}

const isOwner = (id: number): boolean => id >= 0 && id <= 0xffff_ffff;
