// The database: opened with its rules, read by `view`, written by `update`. A transaction is a synchronous closure on this
// thread that commits without syncing; `update` answers when one shared sync of the WAL has covered it.
// Nobody opens the database file by other means while it is open here: closing any descriptor of it would drop SQLite's locks.
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import Sqlite from "better-sqlite3";
import { DisposeScope } from "../api/core/dispose.js";
import { errorOf, failedPrecondition } from "../api/core/errors.js";
import type { LedgerEvent } from "../api/core/event.js";
import { type Logger, silentLogger } from "../api/core/log.js";
import { type Clock, systemClock } from "../api/core/time.js";
import { Checkpointer } from "./checkpointer.js";
import { requireLocalDisk } from "./local-disk.js";
import { migrate } from "./migrations/index.js";
import { lockFolder } from "./owner-lock.js";
import { type Fdatasync, SharedSync } from "./shared-sync.js";
import { fromSqliteError } from "./sqlite-errors.js";
import { type Reader, Statements } from "./statements.js";
import { Transaction } from "./transaction.js";

export const DATABASE_FILE = "metadata.db";
/** Before it, two connections at one instant could corrupt a WAL file. */
export const MINIMUM_SQLITE = "3.51.3";
const BUSY_TIMEOUT_MS = 5_000;
/** What the WAL file is cut back to when it starts over. */
const WAL_SIZE_LIMIT_BYTES = 16 * 1024 * 1024;

export interface DatabaseOptions {
  /** Folder of the store, made when missing (mode 0700). Belongs to one process at a time. */
  readonly root: string;
  readonly clock?: Clock | undefined;
  readonly log?: Logger | undefined;
  /** Called when a sync fails: no commit can be trusted any more. Default: the process exits with status 1. */
  readonly onFatal?: ((error: Error) => void) | undefined;
  readonly fdatasync?: Fdatasync | undefined;
}

/** Who wants to know what was committed, and when it is on disk. */
export interface CommitObserver {
  committed(events: readonly LedgerEvent[]): void;
  /** Everything up to this position of the ledger is on disk. May be told an older position after a newer one. */
  durable(seq: bigint): void;
}

/** Whether version `a` comes before `b`; both are dotted numbers. */
export function isOlderVersion(a: string, b: string): boolean {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  const at = left.findIndex((part, index) => part !== right[index]);
  return at !== -1 && (left[at] ?? 0) < (right[at] ?? 0);
}

function connect(path: string): Sqlite.Database {
  try {
    return new Sqlite(path, { timeout: BUSY_TIMEOUT_MS });
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

function prepareConnection(connection: Sqlite.Database): void {
  const version =
    connection.prepare<[], { version: string }>("SELECT sqlite_version() AS version").get()?.version ?? "0";
  if (isOlderVersion(version, MINIMUM_SQLITE)) {
    throw failedPrecondition(`SQLite ${version} is too old: ${MINIMUM_SQLITE} is the first that keeps WAL files safe`);
  }
  connection.pragma("auto_vacuum = INCREMENTAL"); // takes effect in a new file only, before its first table
  connection.pragma("journal_mode = WAL");
  connection.pragma("synchronous = NORMAL"); // commits do not sync: SharedSync does
  connection.pragma("wal_autocheckpoint = 0"); // checkpoints sync and lock: Checkpointer does
  connection.pragma(`journal_size_limit = ${WAL_SIZE_LIMIT_BYTES}`);
  connection.pragma("foreign_keys = ON");
  connection.pragma("trusted_schema = OFF");
}

/** Syncs what the folder lists, so that a new file is still there after a power failure. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function exitProcess(log: Logger): (error: Error) => void {
  return (err) => {
    log.error({ err }, "metadata store failed, exiting");
    process.exit(1);
  };
}

/** Opens the store's database. @throws failed_precondition: in use, not ours, too new, on a network file system, old SQLite. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const log = options.log ?? silentLogger;
  const scope = new DisposeScope();
  try {
    mkdirSync(options.root, { recursive: true, mode: 0o700 });
    requireLocalDisk(options.root);
    scope.use(lockFolder(options.root));
    const path = join(options.root, DATABASE_FILE);
    // Specs hold secrets: the file is its owner's alone. SQLite gives the WAL the same mode.
    if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
    const connection = connect(path);
    scope.defer(() => connection.close());
    prepareConnection(connection);
    migrate(connection);
    const walFd = openSync(`${path}-wal`, "r+");
    scope.defer(() => closeSync(walFd));
    // What a crashed process had committed and not yet synced is in the WAL and will be read: make it durable first.
    fsyncSync(walFd);
    syncFolder(options.root);
    const sync = new SharedSync({
      fd: walFd,
      fdatasync: options.fdatasync,
      onFatal: options.onFatal ?? exitProcess(log),
    });
    const checkpointer = new Checkpointer({ connection, path, log });
    scope.defer(() => checkpointer[Symbol.asyncDispose]());
    return new Database({
      connection,
      sync,
      checkpointer,
      clock: options.clock ?? systemClock,
      scope: scope.release(),
    });
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw fromSqliteError(error);
  }
}

interface DatabaseParts {
  readonly connection: Sqlite.Database;
  readonly sync: SharedSync;
  readonly checkpointer: Checkpointer;
  readonly clock: Clock;
  /** Owns all of the above, and the lock. */
  readonly scope: DisposeScope;
}

export class Database implements AsyncDisposable {
  readonly #connection: Sqlite.Database;
  readonly #statements: Statements;
  readonly #sync: SharedSync;
  readonly #clock: Clock;
  readonly #scope: DisposeScope;
  #revision: number;
  #closed = false;
  #observer: CommitObserver | undefined;
  readonly checkpointer: Checkpointer;
  /** Made with the file, never changes. */
  readonly storeId: string;

  constructor(parts: DatabaseParts) {
    this.#connection = parts.connection;
    this.#sync = parts.sync;
    this.#clock = parts.clock;
    this.#scope = parts.scope;
    this.checkpointer = parts.checkpointer;
    this.#statements = new Statements(parts.connection);
    const meta = this.#statements.get<{ storeId: string; revision: number }>(
      "SELECT store_id AS storeId, revision FROM meta",
    );
    if (meta === undefined) throw errorOf("data_loss", `${parts.connection.name} has no meta row`);
    this.storeId = meta.storeId;
    this.#revision = meta.revision;
  }

  /** The number of the last commit that changed something. */
  get revision(): number {
    return this.#revision;
  }

  observe(observer: CommitObserver): void {
    this.#observer = observer;
  }

  /** Reads, in one piece: nothing can be written meanwhile, since writers use this thread. Keep it short. */
  view<T>(fn: (reader: Reader) => T): T {
    this.#requireOpen();
    try {
      return fn(this.#statements);
    } catch (error) {
      throw fromSqliteError(error);
    }
  }

  /**
   * Writes, in one transaction: all of `fn`, or nothing when it throws. `fn` runs before this returns and must not be
   * asynchronous. Resolves, or rejects with what `fn` threw, when everything it could have seen is on disk.
   * @throws internal when the sync fails; the store is then finished.
   */
  async update<T>(fn: (tx: Transaction) => T): Promise<T> {
    this.#requireOpen();
    let done: { readonly result: T; readonly events: readonly LedgerEvent[] };
    try {
      done = this.#commit(fn);
    } catch (error) {
      await this.#sync.flushed();
      throw fromSqliteError(error);
    }
    await this.#sync.flushed();
    const last = done.events.at(-1);
    if (last !== undefined) this.#observer?.durable(last.seq);
    return done.result;
  }

  #commit<T>(fn: (tx: Transaction) => T): { readonly result: T; readonly events: readonly LedgerEvent[] } {
    this.#statements.run("BEGIN IMMEDIATE");
    const tx = new Transaction(this.#statements, this.#revision + 1, this.#clock());
    try {
      const result = fn(tx);
      if (result instanceof Promise) throw new TypeError("a transaction must not return a promise");
      const changed = tx.settle();
      this.#statements.run("COMMIT");
      if (changed) {
        this.#revision = tx.revision;
        this.#sync.mark();
        this.checkpointer.noteCommit();
        if (tx.published.length > 0) this.#observer?.committed(tx.published);
      }
      return { result, events: tx.published };
    } catch (error) {
      if (this.#connection.inTransaction) this.#statements.run("ROLLBACK");
      throw error;
    } finally {
      tx.end();
    }
  }

  /** Gives up to `pages` free pages back to the file system if at least `atLeast` are free. Resolves with whether it did. */
  async vacuumStep(atLeast: number, pages: number): Promise<boolean> {
    const free = this.view((reader) => reader.get<{ freelist_count: number }>("PRAGMA freelist_count"));
    if ((free?.freelist_count ?? 0) < atLeast) return false;
    await this.update((tx) => {
      this.#connection.exec(`PRAGMA incremental_vacuum(${pages})`); // a prepared one frees a single page

      tx.noteChange();
    });
    return true;
  }

  #requireOpen(): void {
    if (this.#closed) throw errorOf("unavailable", "metadata store is closed");
    if (this.#sync.failure !== undefined) throw this.#sync.failure;
  }

  /** Waits for the pending sync, folds the WAL into the file and lets the folder go. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // After a failed sync nothing more can be saved; everybody who waited has been told.
    await this.#sync.flushed().catch(() => {});
    await this.#scope[Symbol.asyncDispose]();
  }
}
