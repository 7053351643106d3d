// Whether a name stands for the same in two trees.
// @source containerd/continuity fs/diff.go, fs/diff_unix.go (sameFile)
import { constants, readSync } from "node:fs";
import { check, closeFd, type FileStatus, openAt, pathAt, readLinkAt } from "../at.js";
import { getXattr } from "../xattr.js";

const { O_RDONLY, O_NONBLOCK, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } = constants;
const NANOS = 1_000_000_000n;
const CHUNK_BYTES = 256 * 1024;
const CAPABILITY = "security.capability";

/** A name in an open folder, and what it stands for. */
export interface Place {
  readonly folder: number;
  readonly name: string;
  readonly status: FileStatus;
}

export const typeOf = ({ mode }: FileStatus): number => mode & S_IFMT;
export const isFolder = (status: FileStatus): boolean => typeOf(status) === S_IFDIR;

/** A byte string; "" when it has none. */
export function capabilityOf({ folder, name, status }: Pick<Place, "folder" | "name" | "status">): string {
  if (typeOf(status) !== S_IFREG) return "";
  return getXattr(pathAt(folder, name), CAPABILITY)?.toString("latin1") ?? "";
}

export function isSame(left: Place, right: Place): boolean {
  const [a, b] = [left.status, right.status];
  if (a.identity === b.identity) return true;
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false;
  if (a.major !== b.major || a.minor !== b.minor) return false;
  if (capabilityOf(left) !== capabilityOf(right)) return false;
  if (isFolder(b)) return true;
  if (a.sizeBytes !== b.sizeBytes || a.modifiedNs / NANOS !== b.modifiedNs / NANOS) return false;
  const isCut = a.modifiedNs % NANOS === 0n || b.modifiedNs % NANOS === 0n;
  // Archives hold whole seconds, so a time without a fraction proves nothing.
  return isCut ? hasSameContent(left, right) : a.modifiedNs === b.modifiedNs;
}

function hasSameContent(left: Place, right: Place): boolean {
  const type = typeOf(right.status);
  if (type === S_IFLNK) return readLinkAt(left.folder, left.name) === readLinkAt(right.folder, right.name);
  if (type !== S_IFREG || right.status.sizeBytes === 0) return true;
  const a = openFile(left);
  try {
    const b = openFile(right);
    try {
      return readsAlike(a, b);
    } finally {
      closeFd(b);
    }
  } finally {
    closeFd(a);
  }
}

/** Not blocking, should it have become a FIFO meanwhile. @throws an Error with an errno code. */
export function openFile({ folder, name }: Pick<Place, "folder" | "name">): number {
  return check(openAt(folder, name, O_RDONLY | O_NONBLOCK), "open", name);
}

/** Reads until `buffer` is full or the file ends. @returns how much there was. */
export function readFull(fd: number, buffer: Buffer): number {
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(fd, buffer, filled, buffer.length - filled, null);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}

function readsAlike(a: number, b: number): boolean {
  const [left, right] = [Buffer.allocUnsafe(CHUNK_BYTES), Buffer.allocUnsafe(CHUNK_BYTES)];
  for (;;) {
    const [leftBytes, rightBytes] = [readFull(a, left), readFull(b, right)];
    if (!left.subarray(0, leftBytes).equals(right.subarray(0, rightBytes))) return false;
    if (leftBytes < left.length) return true;
  }
}
