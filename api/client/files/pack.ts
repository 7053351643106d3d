// A file or folder of a tree as an archive, under any name. The tree may be alive: what goes meanwhile is left out.

import { check, closeFd, type FileStatus, openFolderAt, statAt } from "../../../runtime/sys/at.js";
import { hasCode } from "../../../runtime/sys/errno.js";
import { listFolder } from "../../../runtime/sys/trees/remove-tree.js";
import { endMarks } from "../../core/tar/writer.js";
import { ArchiveEntries, type TreeEntry } from "./archive-entries.js";
import type { IdMap } from "./map-xattr.js";
import { isFolderStatus, pathOfSpot, type Spot } from "./spot.js";

const CHUNK_BYTES = 256 * 1024;

export interface PackOptions {
  /** What the archive calls it: a byte string; `.` stands for a folder without a name of its own. */
  readonly name: string;
  /** From the tree's owners to the archive's. */
  readonly ids: IdMap;
  /** Folders by their paths in the tree, no slash at either end: they are packed without what is in them. */
  readonly closed: ReadonlySet<string>;
}

/** The archive's bytes. @throws an Error with an errno code; when a file changes while it is read. */
export function* packSpot(spot: Spot & { readonly status: FileStatus }, options: PackOptions): Generator<Buffer> {
  yield* inChunks(packed(spot, options));
}

function* packed(spot: Spot & { readonly status: FileStatus }, { name, ids, closed }: PackOptions): Generator<Buffer> {
  const entries = new ArchiveEntries(ids);
  const top = { folder: spot.folder.fd, name: spot.base, status: spot.status, path: name };
  for (const entry of walk(top, pathOfSpot(spot), closed)) yield* bytesOf(entries, entry);
  yield endMarks();
}

/** Nothing of what has gone since it was seen. */
function* bytesOf(entries: ArchiveEntries, entry: TreeEntry): Generator<Buffer> {
  let begun = false;
  try {
    for (const { bytes } of entries.entry(entry)) {
      begun = true;
      yield bytes;
    }
  } catch (error) {
    if (begun || !hasCode(error, "ENOENT")) throw error;
  }
}

/** A folder before what is in it, in the order of names. @param where the entry's path in the tree. */
function* walk(entry: TreeEntry, where: string, closed: ReadonlySet<string>): Generator<TreeEntry> {
  yield entry;
  if (!isFolderStatus(entry.status) || closed.has(where)) return;
  const fd = openFolderAt(entry.folder, entry.name);
  if (fd < 0) {
    if (isGone(fd)) return;
    check(fd, "open", where);
  }
  try {
    for (const name of listFolder(fd).sort()) {
      const status = statAt(fd, name);
      if (typeof status !== "number") {
        const path = `${entry.path}/${name}`;
        yield* walk({ folder: fd, name, status, path }, where === "" ? name : `${where}/${name}`, closed);
      } else if (!isGone(status)) check(status, "stat", where);
    }
  } finally {
    closeFd(fd);
  }
}

const ENOENT = 2;
const isGone = (result: number): boolean => result === -ENOENT;

/** Headers are short; many go out together. */
function* inChunks(parts: Iterable<Buffer>): Generator<Buffer> {
  let gathered: Buffer[] = [];
  let length = 0;
  for (const part of parts) {
    gathered.push(part);
    length += part.length;
    if (length < CHUNK_BYTES) continue;
    yield gathered.length === 1 ? part : Buffer.concat(gathered);
    gathered = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(gathered);
}
