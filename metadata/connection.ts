// The connection to SQLite: its library checked, its rules set.
import type Sqlite from "better-sqlite3";
import { failedPrecondition } from "../api/core/errors.js";
import { openSqlite } from "./sqlite.js";
import { fromSqliteError, isDiskFull } from "./sqlite-errors.js";

/** Before it, two connections at one instant could corrupt a WAL file. */
const MINIMUM_SQLITE = "3.51.3";
const BUSY_TIMEOUT_MS = 5_000;

/** Whether version `a` comes before `b`; both are dotted numbers. */
export function isOlderVersion(a: string, b: string): boolean {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at !== -1 && (left[at] ?? 0) < (right[at] ?? 0);
}

/** Opens the file, with no rules set. @throws failed_precondition for a missing native module or an old SQLite. */
export function connect(path: string): Sqlite.Database {
  const connection = open(path);
  const version =
    connection.prepare<[], { version: string }>("SELECT sqlite_version() AS version").get()?.version ?? "0";
  if (isOlderVersion(version, MINIMUM_SQLITE)) {
    connection.close();
    throw failedPrecondition(`SQLite ${version} is too old: ${MINIMUM_SQLITE} is the first that keeps WAL files safe`);
  }
  return connection;
}

function open(path: string): Sqlite.Database {
  try {
    return openSqlite(path, { timeout: BUSY_TIMEOUT_MS });
  } catch (error) {
    if (
      error instanceof Error &&
      /bindings file|ERR_DLOPEN_FAILED/.test(`${error.message} ${"code" in error ? error.code : ""}`)
    ) {
      throw failedPrecondition(
        "better-sqlite3 has no native module: run `npm install-scripts approve better-sqlite3` and `npm rebuild better-sqlite3`",
        error,
      );
    }
    throw fromSqliteError(error);
  }
}

/** The rules for the writing connection of a store. */
export function setRules(connection: Sqlite.Database): void {
  connection.pragma("journal_mode = WAL");
  connection.pragma("synchronous = NORMAL"); // commits do not sync: SharedSync does
  connection.pragma("wal_autocheckpoint = 0"); // checkpoints sync and lock: Checkpointer does
  connection.pragma("journal_size_limit = -1"); // a commit that cuts the WAL waits for the disk: Checkpointer does it when idle
  connection.pragma("foreign_keys = ON");
  connection.pragma("trusted_schema = OFF");
}

/**
 * The first commit to a new WAL syncs its header, on the thread that commits: made here, before anyone is served, by setting a
 * number to what it is.
 */
export function beginWal(connection: Sqlite.Database): void {
  try {
    connection.pragma(`user_version = ${connection.pragma("user_version", { simple: true })}`);
  } catch (error) {
    // On a full disk the store opens all the same; then the first commit that finds room waits for the sync.
    if (!isDiskFull(error)) throw error;
  }
}
