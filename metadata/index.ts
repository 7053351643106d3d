// The door of the metadata room: the store in SQLite, opened and owned by one process.

import type { Collector } from "../api/core/collector.js";
import type { ContentBackend } from "../api/core/content-backend.js";
import { DisposeScope } from "../api/core/dispose.js";
import type { EventHistory } from "../api/core/event.js";
import type { Exits } from "../api/core/exit-record.js";
import type { ImageStore } from "../api/core/image.js";
import type { LeaseStore } from "../api/core/lease.js";
import type { NamespaceStore } from "../api/core/namespace.js";
import type { SnapshotBackend } from "../api/core/snapshot-backend.js";
import type { TaskLedger } from "../api/core/task-ledger.js";
import { type CleanableBackend, SqliteCollector } from "./collector/collector.js";
import type { CollectorPolicyConfig } from "./collector/policy.js";
import { createContainerStore, type LocalContainerStore } from "./containers.js";
import { createContentStore, type LocalContentStore } from "./content.js";
import type { ContentSharing } from "./content-sharing.js";
import { type DatabaseOptions, openDatabase } from "./db.js";
import { type ExitRetention, ExitTrimmer } from "./exit-trimmer.js";
import { createExitStore } from "./exits.js";
import { createImageStore } from "./images.js";
import { createLeaseStore } from "./leases.js";
import { SqliteEventLedger } from "./ledger.js";
import { type LedgerRetention, LedgerTrimmer } from "./ledger-trimmer.js";
import { createNamespaceStore } from "./namespaces.js";
import { createSnapshotters, type LocalSnapshotters } from "./snapshots.js";

export type { LocalContainerStore } from "./containers.js";
export type { LocalContentStore } from "./content.js";
export { DATABASE_FILE } from "./db.js";
export type { ExitRetention } from "./exit-trimmer.js";
export type { LedgerRetention } from "./ledger-trimmer.js";
export type { LocalSnapshotStore, LocalSnapshotters } from "./snapshots.js";

/** Where the stores lie and how they behave. Backends stay the caller's: closing the stores does not close them. */
export interface MetadataOptions extends DatabaseOptions {
  /** Where snapshots lie, a backend for each snapshotter. Default: none. */
  readonly snapshotBackends?: readonly SnapshotBackend[] | undefined;
  /** How much of the event ledger is kept. Default: 100000 events of up to 7 days. */
  readonly retention?: LedgerRetention | undefined;
  /** How long the ends of tasks are remembered. Default: 10000 ends of up to 30 days. */
  readonly exitRetention?: ExitRetention | undefined;
  /** Where the bytes of content lie. */
  readonly content: ContentBackend;
  /** Whether clients are told to fill layers side by side, where snapshotters can put them together. Default: true. */
  readonly layersApart?: boolean | undefined;
  /** Whether a namespace may take over the blobs of another one by their digests. Default: `shared`. */
  readonly contentSharing?: ContentSharing | undefined;
  /** When the collector runs. What is left out has its default. */
  readonly collectorPolicy?: Partial<CollectorPolicyConfig> | undefined;
}

/** The stores of one folder. What an update of any of them resolves with is on disk. Dispose it to let the folder go. */
export interface Metadata extends AsyncDisposable {
  readonly namespaces: NamespaceStore;
  readonly containers: LocalContainerStore;
  readonly content: LocalContentStore;
  readonly images: ImageStore;
  readonly collector: Collector;
  readonly leases: LeaseStore;
  readonly snapshots: LocalSnapshotters;
  readonly events: TaskLedger & EventHistory;
  readonly exits: Exits;
  /** A UUID made with the store: two positions of a ledger compare only when this is the same. */
  readonly storeId: string;
}

/** Opens the store in `root`, made when missing. @throws failed_precondition when it is in use (names the pid), or too new. */
export async function openMetadata(options: MetadataOptions): Promise<Metadata> {
  const db = await openDatabase(options);
  const scope = new DisposeScope();
  scope.use(db);
  const ledger = scope.use(new SqliteEventLedger(db, options.clock));
  scope.use(new LedgerTrimmer({ db, ledger, clock: options.clock, log: options.log, retention: options.retention }));
  scope.use(new ExitTrimmer({ db, clock: options.clock, log: options.log, retention: options.exitRetention }));
  const content = createContentStore({
    db,
    backend: options.content,
    sharing: options.contentSharing,
    clock: options.clock,
  });
  const snapshots = createSnapshotters(db, options.snapshotBackends ?? [], options);
  const collector = scope.use(
    new SqliteCollector({
      db,
      backends: cleanableBackends(content, snapshots),
      policy: options.collectorPolicy,
      log: options.log,
    }),
  );
  const collect = (signal: AbortSignal | undefined) => collector.collect({ signal });
  return {
    namespaces: createNamespaceStore(db),
    containers: createContainerStore(db),
    content,
    images: createImageStore(db, { collect }),
    leases: createLeaseStore(db, { collect }),
    snapshots,
    collector,
    events: ledger,
    exits: createExitStore(db),
    storeId: db.storeId,
    [Symbol.asyncDispose]: () => scope[Symbol.asyncDispose](),
  };
}

/** Under the names by which deletions call them. */
function cleanableBackends(content: LocalContentStore, snapshots: LocalSnapshotters): CleanableBackend[] {
  const sumOf = (items: readonly { readonly sizeBytes: number }[]) =>
    items.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return [
    {
      name: "content",
      cleanup: async () => {
        const { blobs, ingests } = await content.cleanup();
        return sumOf(blobs) + sumOf(ingests);
      },
    },
    ...snapshots.all().map((store) => ({
      name: `snapshots/${store.name}`,
      cleanup: async () => (await store.cleanup()).freedBytes,
    })),
  ];
}
