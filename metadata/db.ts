// The database: opened with its rules, read by `view`, written by `update`. A transaction is a synchronous closure on this
// thread that commits without syncing; `update` answers when one shared sync of the WAL has covered it.
// Nobody opens the database file by other means while it is open here: closing any descriptor of it would drop SQLite's locks.
import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import type Sqlite from "better-sqlite3";
import { DisposeScope } from "../api/core/dispose.js";
import { errorKind, errorOf, wrapError } from "../api/core/errors.js";
import type { LedgerEvent } from "../api/core/event.js";
import { type Logger, silentLogger } from "../api/core/log.js";
import { type Clock, systemClock } from "../api/core/time.js";
import { Checkpointer } from "./checkpointer.js";
import { beginWal, connect, setRules } from "./connection.js";
import { DiskSpace, type SpaceLimits } from "./disk-space.js";
import { requireLocalDisk } from "./local-disk.js";
import { migrate } from "./migrations/index.js";
import { lockFolder } from "./owner-lock.js";
import { type Fdatasync, SharedSync } from "./shared-sync.js";
import { fromSqliteError, isDiskFull } from "./sqlite-errors.js";
import { type Reader, Statements } from "./statements.js";
import { prepareStoreFile, syncFolder } from "./store-file.js";
import { Transaction } from "./transaction.js";

/** Name of the database's file in the root folder of a store. SQLite keeps `-wal` and `-shm` beside it. */
export const DATABASE_FILE = "metadata.db";

/** Where a store lies, and what it is handed. */
export interface DatabaseOptions {
  /** Folder of the store, made when missing (mode 0700). Belongs to one process at a time. */
  readonly root: string;
  /** Tells the times of records and events. Default: the clock of this machine. */
  readonly clock?: Clock | undefined;
  /** Default: silent. */
  readonly log?: Logger | undefined;
  /** Called when a sync fails: no commit can be trusted any more. Default: the process exits with status 1. */
  readonly onFatal?: ((error: Error) => void) | undefined;
  /** Default: that of `node:fs`; tests put another in its place. */
  readonly fdatasync?: Fdatasync | undefined;
  /** How much room on the disk is kept. */
  readonly space?: SpaceLimits | undefined;
}

/** What kind of write it is. */
export interface UpdateOptions {
  /**
   * For what frees room or tells of what has happened already: taken below the low-water mark too, and on a full disk from the
   * reserve. The closure may then run twice, the second time as if the first had never been. Default: false.
   */
  readonly evenWhenFull?: boolean;
  /** For what changes no record: events, and the upkeep of the file. The collector does not count it. Default: false. */
  readonly bookkeeping?: boolean;
}

/** A commit that changed records, as the collector counts them. */
export interface Mutation {
  /** Whether something was deleted that may have held something else. */
  readonly dirty: boolean;
  /** Backends that may have bytes to free: `content`, `snapshots/<snapshotter>`. */
  readonly backends: ReadonlySet<string>;
}

/** Who wants to know what was committed, and when it is on disk. */
export interface CommitObserver {
  /** The events of one commit, in order; they may be lost until `durable` says otherwise. */
  committed(events: readonly LedgerEvent[]): void;
  /** Everything up to this position of the ledger is on disk. May be told an older position after a newer one. */
  durable(seq: bigint): void;
}

function exitProcess(log: Logger): (error: Error) => void {
  return (err) => {
    log.error({ err }, "metadata store failed, exiting");
    process.exit(1);
  };
}

/**
 * Opens the store's database.
 * @throws failed_precondition: in use, not ours, too new, on a network file system, old SQLite; data_loss: damaged.
 */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const log = options.log ?? silentLogger;
  const scope = new DisposeScope();
  try {
    mkdirSync(options.root, { recursive: true, mode: 0o700 });
    requireLocalDisk(options.root);
    scope.use(lockFolder(options.root));
    const path = join(options.root, DATABASE_FILE);
    const space = new DiskSpace({ folder: options.root, limits: options.space, log });
    prepareStoreFile(path);
    const connection = connect(path);
    scope.defer(() => connection.close());
    setRules(connection);
    migrate(connection);
    beginWal(connection);
    const walFd = openSync(`${path}-wal`, "r+");
    scope.defer(() => closeSync(walFd));
    // What a crashed process had committed and not yet synced is in the WAL and will be read: make it durable first.
    fsyncSync(walFd);
    syncFolder(options.root);
    space.look();
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
      space,
      clock: options.clock ?? systemClock,
      scope: scope.release(),
    });
  } catch (error) {
    await scope[Symbol.asyncDispose]();
    throw nameFile(fromSqliteError(error), join(options.root, DATABASE_FILE));
  }
}

/** SQLite's own words for damage leave out where it is. */
function nameFile(error: unknown, path: string): unknown {
  if (errorKind(error) !== "data_loss" || !(error instanceof Error) || error.message.includes(path)) return error;
  return wrapError(path, error);
}

interface Committed<T> {
  readonly result: T;
  readonly events: readonly LedgerEvent[];
  /** undefined when nothing changed. */
  readonly mutation?: Mutation;
}

interface DatabaseParts {
  readonly connection: Sqlite.Database;
  readonly sync: SharedSync;
  readonly checkpointer: Checkpointer;
  readonly space: DiskSpace;
  readonly clock: Clock;
  /** Owns all of the above, and the lock. */
  readonly scope: DisposeScope;
}

/** One process's hold on a store. Dispose it to let the folder go. */
export class Database implements AsyncDisposable {
  readonly #connection: Sqlite.Database;
  readonly #statements: Statements;
  readonly #sync: SharedSync;
  readonly #space: DiskSpace;
  readonly #clock: Clock;
  readonly #scope: DisposeScope;
  #revision: number;
  #closed = false;
  #observer: CommitObserver | undefined;
  #onMutation: ((mutation: Mutation) => void) | undefined;
  readonly checkpointer: Checkpointer;
  /** Made with the file, never changes. */
  readonly storeId: string;

  constructor(parts: DatabaseParts) {
    this.#connection = parts.connection;
    this.#sync = parts.sync;
    this.#space = parts.space;
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

  /** Tells one observer, the last to ask, of every commit that publishes events. */
  observe(observer: CommitObserver): void {
    this.#observer = observer;
  }

  /** Tells the collector of every commit that changed records. */
  observeMutations(listener: (mutation: Mutation) => void): void {
    this.#onMutation = listener;
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
   * Writes, in one transaction: all of `fn`, or nothing when it throws. `fn` runs before this returns, or, in the order of calls,
   * once a checkpoint that holds writers is over; it must not be asynchronous. Resolves, or rejects with what `fn` threw, when everything it could have seen is on disk.
   * @throws internal when the sync fails; the store is then finished. resource_exhausted when the disk has too little room.
   */
  async update<T>(fn: (tx: Transaction) => T, options: UpdateOptions = {}): Promise<T> {
    this.#requireOpen();
    if (this.checkpointer.writable !== undefined) {
      await this.checkpointer.writable;
      this.#requireOpen();
    }
    let done: Committed<T>;
    try {
      done = options.evenWhenFull === true ? this.#commitFromReserve(fn) : this.#commitWithRoom(fn);
      if (done.mutation !== undefined && options.bookkeeping !== true) this.#onMutation?.(done.mutation);
    } catch (error) {
      await this.#sync.flushed();
      throw fromSqliteError(error);
    }
    await this.#sync.flushed();
    const last = done.events.at(-1);
    if (last !== undefined) this.#observer?.durable(last.seq);
    return done.result;
  }

  #commitWithRoom<T>(fn: (tx: Transaction) => T): Committed<T> {
    this.#space.requireRoom();
    return this.#commit(fn);
  }

  #commitFromReserve<T>(fn: (tx: Transaction) => T): Committed<T> {
    try {
      return this.#commit(fn);
    } catch (error) {
      if (!isDiskFull(error) || !this.#space.giveUpReserve()) throw error;
      return this.#commit(fn);
    }
  }

  #commit<T>(fn: (tx: Transaction) => T): Committed<T> {
    this.#statements.run("BEGIN IMMEDIATE");
    const tx = new Transaction(this.#statements, this.#revision + 1, this.#clock());
    try {
      const result = fn(tx);
      if (result instanceof Promise) throw new TypeError("a transaction must not return a promise");
      const changed = tx.settle();
      this.#statements.run("COMMIT");
      tx.committed();
      if (changed) {
        this.#revision = tx.revision;
        this.#sync.mark();
        this.checkpointer.noteCommit();
        if (tx.published.length > 0) this.#observer?.committed(tx.published);
      }
      return { result, events: tx.published, ...(changed && { mutation: tx.mutation }) };
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
    await this.update(
      (tx) => {
        this.#connection.exec(`PRAGMA incremental_vacuum(${pages})`); // a prepared one frees a single page
        tx.noteChange();
      },
      { evenWhenFull: true, bookkeeping: true },
    );
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
