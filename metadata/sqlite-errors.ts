// SQLite's result codes as our kinds of error.
import { type ErrorKind, errorOf } from "../api/core/errors.js";

const KINDS: readonly (readonly [prefix: string, kind: ErrorKind])[] = [
  ["SQLITE_FULL", "resource_exhausted"],
  ["SQLITE_IOERR_SHMSIZE", "resource_exhausted"], // the index of the WAL cannot grow
  ["SQLITE_TOOBIG", "resource_exhausted"],
  ["SQLITE_NOMEM", "resource_exhausted"],
  ["SQLITE_BUSY", "unavailable"],
  ["SQLITE_CORRUPT", "data_loss"],
  ["SQLITE_NOTADB", "data_loss"],
  ["SQLITE_", "internal"],
];

/** Whether SQLite found no room on the disk. */
export const isDiskFull = (error: unknown): boolean =>
  error instanceof Error && "code" in error && (error.code === "SQLITE_FULL" || error.code === "SQLITE_IOERR_SHMSIZE");

/** SQLite's own failures with their kind; anything else as it is. */
export function fromSqliteError(error: unknown): unknown {
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  const code = error.code;
  const kind = KINDS.find(([prefix]) => code.startsWith(prefix))?.[1];
  return kind === undefined ? error : errorOf(kind, `metadata store: ${error.message}`, error);
}
