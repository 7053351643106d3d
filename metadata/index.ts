// The door of the metadata room: the store in SQLite, opened and owned by one process.
import { DisposeScope } from "../api/core/dispose.js";
import type { LeaseStore } from "../api/core/lease.js";
import type { NamespaceStore } from "../api/core/namespace.js";
import type { TaskLedger } from "../api/core/task-ledger.js";
import { createContainerStore, type LocalContainerStore } from "./containers.js";
import { type DatabaseOptions, openDatabase } from "./db.js";
import { createLeaseStore } from "./leases.js";
import { SqliteEventLedger } from "./ledger.js";
import { type LedgerRetention, LedgerTrimmer } from "./ledger-trimmer.js";
import { createNamespaceStore } from "./namespaces.js";

export type { LocalContainerStore } from "./containers.js";
export { DATABASE_FILE } from "./db.js";
export type { LedgerRetention } from "./ledger-trimmer.js";

export interface MetadataOptions extends DatabaseOptions {
  readonly retention?: LedgerRetention | undefined;
}

/** The stores of one folder. What an update of any of them resolves with is on disk. Dispose it to let the folder go. */
export interface Metadata extends AsyncDisposable {
  readonly namespaces: NamespaceStore;
  readonly containers: LocalContainerStore;
  readonly leases: LeaseStore;
  readonly events: TaskLedger;
  /** A UUID made with the store: two positions of a ledger compare only when this is the same. */
  readonly storeId: string;
}

/** Opens the store in `root`, made when missing. @throws failed_precondition when it is in use (names the pid), or too new. */
export async function openMetadata(options: MetadataOptions): Promise<Metadata> {
  const db = await openDatabase(options);
  const scope = new DisposeScope();
  scope.use(db);
  const ledger = scope.use(new SqliteEventLedger(db));
  scope.use(new LedgerTrimmer({ db, ledger, clock: options.clock, log: options.log, retention: options.retention }));
  return {
    namespaces: createNamespaceStore(db),
    containers: createContainerStore(db),
    leases: createLeaseStore(db),
    events: ledger,
    storeId: db.storeId,
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}
