// System calls on a name in an open folder. A walk that takes one component at a time this way cannot be led elsewhere: no call
// here follows a symbolic link, and none takes a path. Names are byte strings (one character a byte, "latin1"), as names on
// Linux need not be UTF-8. Calls answer 0 or more, or -errno; `check` makes an Error of the latter.
import { constants } from "node:fs";
import { systemError, tryCall } from "./libc.js";

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_EMPTY_PATH = 0x1000;
const O_CLOEXEC = 0o2000000;
const O_PATH = 0o10000000;
const MAX_NAME_BYTES = 4096;
const EINVAL = 22;
const ENAMETOOLONG = 36;

const EMPTY = Buffer.alloc(1);
const nameBytes = Buffer.alloc(MAX_NAME_BYTES);
const otherNameBytes = Buffer.alloc(MAX_NAME_BYTES);

/** Writes a byte string with its NUL. Below zero: -errno. The buffers are used again by the next call: the calls are synchronous. */
function put(buffer: Buffer, text: string): number {
  if (text.length >= MAX_NAME_BYTES) return -ENAMETOOLONG;
  if (text.includes("\0")) return -EINVAL;
  buffer[buffer.write(text, 0, "latin1")] = 0;
  return 0;
}

/** A byte string as people read it. */
export const readable = (bytes: string): string => Buffer.from(bytes, "latin1").toString();

/** @returns `result` when it is no error. @throws an Error with an errno code for one below zero. */
export function check(result: number, call: string, name: string): number {
  if (result < 0) throw systemError(call, -result, readable(name));
  return result;
}

/** Opens with O_CLOEXEC and O_NOFOLLOW. @returns a descriptor, to be closed with {@link closeFd}. */
export function openAt(folder: number, name: string, flags: number, mode = 0): number {
  const bad = put(nameBytes, name);
  if (bad < 0) return bad;
  return tryCall("openat", folder, nameBytes, flags | O_CLOEXEC | constants.O_NOFOLLOW, mode);
}

/** Opens a folder for reading and for calls on it. ENOTDIR for anything else, links among them. */
export const openFolderAt = (folder: number, name: string): number =>
  openAt(folder, name, constants.O_RDONLY | constants.O_DIRECTORY);

/** Opens what is there whatever it is, also a link, only to name it. */
export const openPathAt = (folder: number, name: string): number => openAt(folder, name, O_PATH);

export function closeFd(fd: number): void {
  tryCall("close", fd);
}

export function makeFolderAt(folder: number, name: string, mode: number): number {
  const bad = put(nameBytes, name);
  return bad < 0 ? bad : tryCall("mkdirat", folder, nameBytes, mode);
}

export function unlinkAt(folder: number, name: string): number {
  const bad = put(nameBytes, name);
  return bad < 0 ? bad : tryCall("unlinkat", folder, nameBytes, 0);
}

export function removeFolderAt(folder: number, name: string): number {
  const bad = put(nameBytes, name);
  return bad < 0 ? bad : tryCall("unlinkat", folder, nameBytes, AT_REMOVEDIR);
}

/** @param mode type and permissions @param device as {@link deviceNumber} makes it; 0 for FIFOs. */
export function makeNodeAt(folder: number, name: string, mode: number, device: bigint): number {
  const bad = put(nameBytes, name);
  return bad < 0 ? bad : tryCall("mknodat", folder, nameBytes, mode, device);
}

export function makeLinkAt(folder: number, name: string, target: string): number {
  const bad = put(nameBytes, name) || put(otherNameBytes, target);
  return bad < 0 ? bad : tryCall("symlinkat", otherNameBytes, folder, nameBytes);
}

/** A hard link; to a symbolic link it is one to the link itself. */
export function hardLinkAt(oldFolder: number, oldName: string, folder: number, name: string): number {
  const bad = put(nameBytes, name) || put(otherNameBytes, oldName);
  return bad < 0 ? bad : tryCall("linkat", oldFolder, otherNameBytes, folder, nameBytes, 0);
}

/** Gives something another name in its folder, at once; what has that name goes, unless only one of the two is a folder. */
export function renameAt(folder: number, oldName: string, name: string): number {
  const bad = put(nameBytes, name) || put(otherNameBytes, oldName);
  return bad < 0 ? bad : tryCall("renameat", folder, otherNameBytes, folder, nameBytes);
}

/** Where a symbolic link points, as a byte string; -errno when it is none. */
export function readLinkAt(folder: number, name: string): string | number {
  const bad = put(nameBytes, name);
  if (bad < 0) return bad;
  const length = tryCall("readlinkat", folder, nameBytes, otherNameBytes, MAX_NAME_BYTES);
  return length < 0 ? length : otherNameBytes.toString("latin1", 0, length);
}

export function chownAt(folder: number, name: string, uid: number, gid: number): number {
  const bad = put(nameBytes, name);
  return bad < 0 ? bad : tryCall("fchownat", folder, nameBytes, uid, gid, AT_SYMLINK_NOFOLLOW);
}

export const chownFd = (fd: number, uid: number, gid: number): number =>
  tryCall("fchownat", fd, EMPTY, uid, gid, AT_EMPTY_PATH);

export const chmodFd = (fd: number, mode: number): number => tryCall("fchmod", fd, mode);

/** EOPNOTSUPP or EINVAL for a symbolic link: it has no mode of its own. */
export function chmodAt(folder: number, name: string, mode: number): number {
  const fd = openPathAt(folder, name);
  if (fd < 0) return fd;
  try {
    // Through the descriptor, so that it is this very thing; the kernel refuses a link here.
    put(nameBytes, `/proc/self/fd/${fd}`);
    return tryCall("fchmodat", fd, nameBytes, mode, 0);
  } finally {
    closeFd(fd);
  }
}

const NANOS = 1_000_000_000n;
const times = new BigInt64Array(4);
const timeBytes = new Uint8Array(times.buffer);

function putTimes(accessedNs: bigint, modifiedNs: bigint): void {
  for (const [index, time] of [accessedNs, modifiedNs].entries()) {
    const nanos = ((time % NANOS) + NANOS) % NANOS;
    times[index * 2] = (time - nanos) / NANOS;
    times[index * 2 + 1] = nanos;
  }
}

/** Nanoseconds since 1970. */
export function setTimesAt(folder: number, name: string, accessedNs: bigint, modifiedNs: bigint): number {
  const bad = put(nameBytes, name);
  if (bad < 0) return bad;
  putTimes(accessedNs, modifiedNs);
  return tryCall("utimensat", folder, nameBytes, timeBytes, AT_SYMLINK_NOFOLLOW);
}

/** Nanoseconds since 1970. */
export function setTimesFd(fd: number, accessedNs: bigint, modifiedNs: bigint): number {
  putTimes(accessedNs, modifiedNs);
  return tryCall("futimens", fd, timeBytes);
}

/** Writes the file system of an open file to its disk. */
export const syncFileSystem = (fd: number): number => tryCall("syncfs", fd);

export interface FileStatus {
  /** Type and permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly sizeBytes: number;
  readonly accessedNs: bigint;
  readonly modifiedNs: bigint;
  /** Of a device node. */
  readonly major: number;
  readonly minor: number;
  /** Equal for names of one file. */
  readonly identity: string;
}

const STATX_BASIC = 0x7ff;
// struct statx looks the same on every architecture, unlike struct stat.
const answer = Buffer.alloc(256);

const timeOf = (offset: number): bigint =>
  answer.readBigInt64LE(offset) * NANOS + BigInt(answer.readUInt32LE(offset + 8));

function status(folder: number, name: Buffer, flags: number): FileStatus | number {
  const result = tryCall("statx", folder, name, flags, STATX_BASIC, answer);
  if (result < 0) return result;
  return {
    mode: answer.readUInt16LE(28),
    uid: answer.readUInt32LE(20),
    gid: answer.readUInt32LE(24),
    links: answer.readUInt32LE(16),
    sizeBytes: Number(answer.readBigUInt64LE(40)),
    accessedNs: timeOf(64),
    modifiedNs: timeOf(112),
    major: answer.readUInt32LE(128),
    minor: answer.readUInt32LE(132),
    identity: `${answer.readUInt32LE(136)}:${answer.readUInt32LE(140)}:${answer.readBigUInt64LE(32)}`,
  };
}

/** What a name stands for; a link is itself. -errno when it cannot be told. */
export function statAt(folder: number, name: string): FileStatus | number {
  const bad = put(nameBytes, name);
  return bad < 0 ? bad : status(folder, nameBytes, AT_SYMLINK_NOFOLLOW);
}

export const statFd = (fd: number): FileStatus | number => status(fd, EMPTY, AT_EMPTY_PATH);

/** A device's number as the C library puts it together. */
export function deviceNumber(major: number, minor: number): bigint {
  const [high, low] = [BigInt.asUintN(32, BigInt(major)), BigInt.asUintN(32, BigInt(minor))];
  return ((high & 0xfffn) << 8n) | (low & 0xffn) | ((low & ~0xffn) << 12n) | ((high & ~0xfffn) << 32n);
}

/** The path by which calls that have no form for open folders reach a name in one; its last component is never followed by them. */
export function pathAt(folder: number, name: string): Buffer {
  return Buffer.from(`/proc/self/fd/${folder}/${name}`, "latin1");
}
