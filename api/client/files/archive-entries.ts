// Entries of an archive of files as they are: owners and attributes as they are inside, links, devices, holes.
// @source POSIX.1-2017 pax; GNU tar manual, "Storing Sparse Files" (form 1.0), xattrs.c (keys of attributes)
import { constants, readSync } from "node:fs";
import { check, closeFd, pathAt, readable, readLinkAt, statFd } from "../../../runtime/sys/at.js";
import { openFile, type Place, typeOf } from "../../../runtime/sys/trees/compare.js";
import { getXattr, listXattrs } from "../../../runtime/sys/xattr.js";
import { XATTR_PREFIX } from "../../core/tar/pax.js";
import type { Piece } from "../../core/tar/sparse.js";
import { encodeHeader, type NewEntry, padding } from "../../core/tar/writer.js";
import { filePieces, sparseMap } from "./holes.js";
import { type IdMap, mapXattr } from "./map-xattr.js";

const { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } = constants;
/** Sockets have no type: nobody would answer there. */
const TYPES = new Map([
  [S_IFREG, "0"],
  [S_IFLNK, "2"],
  [S_IFCHR, "3"],
  [S_IFBLK, "4"],
  [S_IFDIR, "5"],
  [S_IFIFO, "6"],
]);
const HARD_LINK = "1";
const CHUNK_BYTES = 256 * 1024;
const NANOS = 1_000_000_000n;

/** Something that goes into an archive. */
export interface TreeEntry extends Place {
  /** In the archive, a byte string without a slash at either end. */
  readonly path: string;
}

/** Bytes of an archive. */
export interface ArchivePiece {
  readonly bytes: Buffer;
  /** Up to where these bytes lead in the file that they are of. */
  readonly position: number;
}

export class ArchiveEntries {
  readonly #ids: IdMap;
  /** By file: the path under which the archive has it. */
  readonly #written = new Map<string, string>();

  constructor(ids: IdMap) {
    this.#ids = ids;
  }

  /** One entry's bytes. @throws an Error with an errno code; when a file changes while it is read. */
  *entry(entry: TreeEntry): Generator<ArchivePiece> {
    const type = TYPES.get(typeOf(entry.status));
    if (type === undefined) return;
    const { path, status } = entry;
    const described = { ...this.#describe(entry), type };
    if (type !== "5" && status.links > 1) {
      const linkName = this.#written.get(status.identity);
      if (linkName !== undefined) {
        yield header({ ...described, type: HARD_LINK, linkName });
        return;
      }
      this.#written.set(status.identity, path);
    }
    if (type === "0" && status.sizeBytes > 0) yield* file(described, entry);
    else if (type === "2") yield header({ ...described, linkName: targetOf(entry) });
    else if (type === "3" || type === "4") yield header({ ...described, major: status.major, minor: status.minor });
    else yield header(type === "5" ? { ...described, name: `${path}/` } : described);
  }

  #describe({ path, status, folder, name }: TreeEntry): Omit<NewEntry, "type"> {
    const nanos = ((status.modifiedNs % NANOS) + NANOS) % NANOS;
    const records: [string, string][] = [];
    if (nanos !== 0n) records.push(["mtime", decimal(status.modifiedNs)]);
    const place = pathAt(folder, name);
    for (const attribute of listXattrs(place)) {
      const value = getXattr(place, attribute);
      if (value === undefined) continue;
      records.push([xattrKey(attribute), mapXattr(attribute, value, this.#ids).toString("latin1")]);
    }
    return {
      name: path,
      mode: status.mode & 0o7777,
      uid: this.#ids.uid(status.uid),
      gid: this.#ids.gid(status.gid),
      sizeBytes: 0,
      modifiedSeconds: (status.modifiedNs - nanos) / NANOS,
      records: Object.fromEntries(records),
    };
  }
}

const header = (entry: NewEntry): ArchivePiece => ({ bytes: encodeHeader(entry), position: 0 });

/** Nanoseconds as decimal seconds. */
function decimal(ns: bigint): string {
  const size = ns < 0n ? -ns : ns;
  return `${ns < 0n ? "-" : ""}${size / NANOS}.${String(size % NANOS).padStart(9, "0")}`;
}

/** A key ends with the first equals sign, so those of a name are written otherwise. */
function xattrKey(attribute: string): string {
  const name = Buffer.from(attribute.replaceAll("%", "%25").replaceAll("=", "%3D")).toString("latin1");
  return XATTR_PREFIX + name;
}

function targetOf({ folder, name, path }: TreeEntry): string {
  const target = readLinkAt(folder, name);
  if (typeof target === "string") return target;
  check(target, "readlink", path);
  throw new Error(`${readable(path)}: no link any more`);
}

function* file(described: NewEntry, place: Place): Generator<ArchivePiece> {
  const fd = openFile(place);
  try {
    const status = statFd(fd);
    // It may have become a device meanwhile, of which nothing may be read.
    if (typeof status === "number" || typeOf(status) !== S_IFREG)
      throw new Error(`${readable(described.name)}: no file any more`);
    const { sizeBytes } = status;
    const pieces = filePieces(fd, sizeBytes);
    if (pieces === undefined) {
      yield header({ ...described, sizeBytes });
      yield* content(fd, { offset: 0, length: sizeBytes }, described.name);
      yield { bytes: padding(sizeBytes), position: sizeBytes };
      return;
    }
    const map = sparseMap(pieces);
    const dataBytes = pieces.reduce((sum, { length }) => sum + length, 0);
    const records = {
      ...described.records,
      "GNU.sparse.major": "1",
      "GNU.sparse.minor": "0",
      "GNU.sparse.name": described.name,
      "GNU.sparse.realsize": String(sizeBytes),
    };
    // Who knows nothing of holes finds the map and the pieces under another name.
    const slash = described.name.lastIndexOf("/") + 1;
    const name = `${described.name.slice(0, slash)}GNUSparseFile.0/${described.name.slice(slash)}`;
    yield header({ ...described, name, records, sizeBytes: map.length + dataBytes });
    yield { bytes: map, position: 0 };
    for (const piece of pieces) yield* content(fd, piece, described.name);
    yield { bytes: padding(dataBytes), position: sizeBytes };
  } finally {
    closeFd(fd);
  }
}

function* content(fd: number, { offset, length }: Piece, name: string): Generator<ArchivePiece> {
  const end = offset + length;
  for (let position = offset; position < end; ) {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, end - position));
    const count = readSync(fd, buffer, 0, buffer.length, position);
    // The header is out: it cannot be told any more.
    if (count === 0) throw new Error(`${readable(name)}: it shrank while it was read`);
    position += count;
    yield { bytes: buffer.subarray(0, count), position };
  }
}
