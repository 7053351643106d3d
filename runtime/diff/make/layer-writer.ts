// Changes as the entries of a layer: what is new or changed with the folders that lead there, and whiteouts for what is gone.
// @source containerd archive/tar.go (ChangeWriter)
import { constants } from "node:fs";
import { XATTR_PREFIX } from "../../../api/core/tar/pax.js";
import { encodeHeader, endMarks, type NewEntry, padding } from "../../../api/core/tar/writer.js";
import { check, closeFd, type FileStatus, openFolderAt, readable, readLinkAt, statAt, statFd } from "../../sys/at.js";
import { capabilityOf, isFolder, openFile, type Place, readFull, typeOf } from "../../sys/trees/compare.js";
import type { Change } from "../../sys/trees/walk.js";
import { WHITEOUT_PREFIX } from "../apply/whiteouts.js";

const { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG } = constants;
/** Sockets have no type: they are left out. */
const TYPES = new Map([
  [S_IFREG, "0"],
  [S_IFLNK, "2"],
  [S_IFCHR, "3"],
  [S_IFBLK, "4"],
  [S_IFDIR, "5"],
  [S_IFIFO, "6"],
]);
const CHUNK_BYTES = 256 * 1024;
const NANOS = 1_000_000_000n;

export interface LayerWriterOptions {
  /** The open root of the tree that the layer leads to. */
  readonly root: number;
  /** Of whiteouts, and the latest of all others. Default: whiteouts are of 1970, others as they are. */
  readonly sourceDateEpochNs?: bigint | undefined;
}

export class LayerWriter {
  readonly #options: LayerWriterOptions;
  readonly #folders = new Set<string>();
  /** By file: the name under which the layer has it. */
  readonly #written = new Map<string, string>();
  /** By file: further names, unchanged themselves, that must be links again once the layer has it. */
  readonly #unchanged = new Map<string, Omit<NewEntry, "type">[]>();

  constructor(options: LayerWriterOptions) {
    this.#options = options;
  }

  /** The archive's bytes of one change. */
  *change(change: Change): Generator<Buffer> {
    if (change.kind === "deleted") yield* this.#whiteout(change.path);
    else yield* this.#entry(change);
  }

  *end(): Generator<Buffer> {
    yield endMarks();
  }

  *#whiteout(path: string): Generator<Buffer> {
    yield* this.#parents(path);
    const slash = path.lastIndexOf("/") + 1;
    const name = path.slice(0, slash) + WHITEOUT_PREFIX + path.slice(slash);
    const modifiedSeconds = (this.#options.sourceDateEpochNs ?? 0n) / NANOS;
    yield encodeHeader({ name, type: "0", mode: 0, uid: 0, gid: 0, sizeBytes: 0, modifiedSeconds });
  }

  *#entry(change: Exclude<Change, { kind: "deleted" }>): Generator<Buffer> {
    const { path, status, kind } = change;
    const type = TYPES.get(typeOf(status));
    if (type === undefined) return;
    if (isFolder(status)) {
      if (kind === "unmodified" || this.#folders.has(path)) return;
      yield* this.#parents(path);
      yield this.#folder(path, change);
      return;
    }
    const entry = this.#describe(path, change);
    const linkName = this.#written.get(status.identity);
    if (status.links > 1 && linkName !== undefined) {
      yield* this.#link(entry, linkName);
      return;
    }
    if (kind === "unmodified") {
      if (status.links > 1) this.#postpone(status.identity, entry);
      return;
    }
    yield* this.#parents(path);
    yield* this.#body({ ...entry, type }, change);
    if (status.links === 1) return;
    this.#written.set(status.identity, path);
    const others = this.#unchanged.get(status.identity) ?? [];
    this.#unchanged.delete(status.identity);
    for (const other of others) yield* this.#link(other, path);
  }

  *#link(entry: Omit<NewEntry, "type">, linkName: string): Generator<Buffer> {
    yield* this.#parents(entry.name);
    yield encodeHeader({ ...entry, type: "1", linkName, sizeBytes: 0 });
  }

  #postpone(identity: string, entry: Omit<NewEntry, "type">): void {
    const others = this.#unchanged.get(identity) ?? [];
    others.push(entry);
    this.#unchanged.set(identity, others);
  }

  #folder(path: string, place: Place): Buffer {
    this.#folders.add(path);
    return encodeHeader({ ...this.#describe(`${path}/`, place), type: "5" });
  }

  *#body(entry: NewEntry, place: Place): Generator<Buffer> {
    if (entry.type === "2") {
      const linkName = readLinkAt(place.folder, place.name);
      if (typeof linkName === "number") check(linkName, "readlink", entry.name);
      else yield encodeHeader({ ...entry, linkName });
      return;
    }
    if (entry.type === "3" || entry.type === "4") {
      yield encodeHeader({ ...entry, major: place.status.major, minor: place.status.minor });
      return;
    }
    yield encodeHeader(entry);
    if (entry.type === "0" && entry.sizeBytes > 0) yield* fileBytes(place, entry);
  }

  #describe(name: string, place: Place): Omit<NewEntry, "type"> {
    const { status } = place;
    const capability = capabilityOf(place);
    return {
      name,
      mode: status.mode & 0o7777,
      uid: status.uid,
      gid: status.gid,
      sizeBytes: typeOf(status) === S_IFREG ? status.sizeBytes : 0,
      modifiedSeconds: this.#seconds(status),
      ...(capability !== "" && { records: { [`${XATTR_PREFIX}security.capability`]: capability } }),
    };
  }

  #seconds({ modifiedNs }: FileStatus): bigint {
    const { sourceDateEpochNs } = this.#options;
    const bounded = sourceDateEpochNs !== undefined && sourceDateEpochNs < modifiedNs ? sourceDateEpochNs : modifiedNs;
    // Towards the past, also before 1970.
    return (bounded - (((bounded % NANOS) + NANOS) % NANOS)) / NANOS;
  }

  /** Each folder on the way, once. The root is everybody's own. */
  *#parents(path: string): Generator<Buffer> {
    const components = path.split("/").slice(0, -1);
    const open: number[] = [];
    let folder = this.#options.root;
    let parent = "";
    try {
      for (const name of components) {
        parent = parent === "" ? name : `${parent}/${name}`;
        if (!this.#folders.has(parent)) {
          const status = statAt(folder, name);
          if (typeof status === "number") check(status, "stat", parent);
          else yield this.#folder(parent, { folder, name, status });
        }
        folder = check(openFolderAt(folder, name), "open", parent);
        open.push(folder);
      }
    } finally {
      for (const fd of open) closeFd(fd);
    }
  }
}

function* fileBytes(place: Place, { name, sizeBytes }: NewEntry): Generator<Buffer> {
  const fd = openFile(place);
  try {
    const status = statFd(fd);
    if (typeof status === "number" || typeOf(status) !== S_IFREG)
      throw new Error(`${readable(name)}: no file any more`);
    for (let left = sizeBytes; left > 0; ) {
      const buffer = Buffer.allocUnsafe(Math.min(left, CHUNK_BYTES));
      // The header is out: a file that shrinks meanwhile cannot be told any more.
      if (readFull(fd, buffer) < buffer.length) throw new Error(`${readable(name)}: it shrank while it was read`);
      left -= buffer.length;
      yield buffer;
    }
  } finally {
    closeFd(fd);
  }
  yield padding(sizeBytes);
}
