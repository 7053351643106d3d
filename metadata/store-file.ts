// The database file before it is opened for good: made whole or not at all, and looked over. SQLite removes the WAL when it closes
// in order, so one that is there means an unclean stop; the file is then checked. What is damaged is named and left as it is.
// All of this happens under the folder's lock and before the store's own connection, whose locks it would drop.
import { closeSync, fstatSync, fsyncSync, openSync, readSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { type ContainerdError, errorOf, failedPrecondition } from "../api/core/errors.js";
import { connect } from "./connection.js";
import { APPLICATION_ID, migrate } from "./migrations/index.js";
import { openSqlite } from "./sqlite.js";

/** The first bytes of every database of SQLite. */
const MAGIC = "SQLite format 3\0";
const HEADER_BYTES = 100;
const PAGE_BYTES_OFFSET = 16;
const PAGES_OFFSET = 28;
const APPLICATION_ID_OFFSET = 68;
const READ_BYTES = 128 * 1024;
/** Messages of a check that are worth telling. */
const MAX_FAULTS = 3;

const damaged = (path: string, what: string, cause?: unknown): ContainerdError =>
  errorOf("data_loss", `metadata store ${path} ${what}; it was left as it is, move it away to begin anew`, cause);

/** Length in bytes; undefined when there is no such file. */
const sizeOf = (path: string): number | undefined => statSync(path, { throwIfNoEntry: false })?.size;

/** Syncs what a folder lists, so that a new file is still there after a power failure. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Makes the file when there is none, else looks whether it can be trusted.
 * @throws data_loss for a damaged file, failed_precondition for one of another program.
 */
export function prepareStoreFile(path: string): void {
  const walBytes = sizeOf(`${path}-wal`);
  const sizeBytes = sizeOf(path);
  if (sizeBytes === undefined) {
    if ((walBytes ?? 0) > 0) throw damaged(path, `is missing, but ${path}-wal is there`);
    createStoreFile(path);
    return;
  }
  checkHeader(path, sizeBytes, walBytes !== undefined && walBytes > 0);
  if (walBytes !== undefined) checkContents(path);
}

/** Under another name until it is whole and on disk: a file of the right name is never half-made. */
function createStoreFile(path: string): void {
  const unfinished = `${path}.new`;
  for (const suffix of ["", "-wal", "-shm", "-journal"]) rmSync(unfinished + suffix, { force: true });
  // Specs hold secrets: the file is its owner's alone. SQLite gives the WAL the same mode.
  const fd = openSync(unfinished, "wx", 0o600);
  try {
    const connection = connect(unfinished);
    try {
      connection.pragma("synchronous = OFF"); // one sync for all of it, below
      connection.pragma("auto_vacuum = INCREMENTAL"); // takes effect before the first table only
      connection.pragma("journal_mode = WAL");
      migrate(connection);
    } finally {
      connection.close();
    }
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(unfinished, path);
  syncFolder(dirname(path));
}

function readHeader(path: string): Buffer {
  const fd = openSync(path, "r");
  try {
    const header = Buffer.alloc(Math.min(HEADER_BYTES, fstatSync(fd).size));
    return header.subarray(0, readSync(fd, header, 0, header.length, 0));
  } finally {
    closeSync(fd);
  }
}

function checkHeader(path: string, sizeBytes: number, hasChangesInWal: boolean): void {
  const header = readHeader(path);
  if (header.length === 0) throw damaged(path, "is empty");
  if (header.length < HEADER_BYTES || header.toString("latin1", 0, MAGIC.length) !== MAGIC) {
    throw damaged(path, "is no database");
  }
  // The WAL may hold a newer header and pages that a checkpoint has yet to write; then SQLite has to tell.
  if (hasChangesInWal) return;
  if (header.readUInt32BE(APPLICATION_ID_OFFSET) !== APPLICATION_ID) {
    throw failedPrecondition(`${path} is not a metadata store of this program`);
  }
  const expectedBytes = header.readUInt16BE(PAGE_BYTES_OFFSET) * header.readUInt32BE(PAGES_OFFSET);
  if (sizeBytes < expectedBytes) throw damaged(path, `is cut short, at ${sizeBytes} of ${expectedBytes} bytes`);
}

/**
 * Reads a file from end to end: much faster than page by page, and a disk that cannot read it fails here with an error, where a
 * file that is mapped into memory would end the process.
 */
function readThrough(path: string): void {
  const fd = openSync(path, "r");
  try {
    const chunk = Buffer.allocUnsafe(READ_BYTES);
    while (readSync(fd, chunk) > 0);
  } finally {
    closeSync(fd);
  }
}

/** Reads all of it. The connection may not write, or closing it would fold the WAL into a file that is damaged. */
function checkContents(path: string): void {
  let faults: unknown[];
  try {
    readThrough(path);
    const connection = openSqlite(path, { readonly: true, fileMustExist: true });
    try {
      connection.pragma(`mmap_size = ${sizeOf(path) ?? 0}`); // a quarter of the time: no call and no copy for each page
      faults = connection.prepare(`PRAGMA quick_check(${MAX_FAULTS})`).pluck().all();
    } finally {
      connection.close();
    }
  } catch (error) {
    const isDamage = error instanceof Error && "code" in error && /^SQLITE_(CORRUPT|NOTADB)/.test(String(error.code));
    throw isDamage ? damaged(path, `is damaged: ${error.message}`, error) : error;
  }
  if (faults.length !== 1 || faults[0] !== "ok") throw damaged(path, `is damaged: ${faults.join(", ")}`);
}
