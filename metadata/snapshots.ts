// The store of one snapshotter's snapshots: records here, folders in its backend. The backend knows numbers only; which snapshot
// builds on which is read off the rows, so no second list of children can go stale.
// @source containerd core/metadata/snapshot.go, core/snapshots/storage/bolt.go (the texts with numbers in them)
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import { ContainerdError, failedPrecondition, invalidArgument, unknownError } from "../api/core/errors.js";
import { quote } from "../api/core/quote.js";
import { LAYER_CAPABILITY, type SnapshotInfo, type SnapshotStore, type Snapshotters } from "../api/core/snapshot.js";
import type { SnapshotBackend } from "../api/core/snapshot-backend.js";
import { BackendLock } from "./backend-lock.js";
import { snapshotRemoved } from "./change-events.js";
import type { Database } from "./db.js";
import { updatedLabels } from "./label-mask.js";
import { removeFromLease } from "./lease-header.js";
import { auditSnapshots, cleanUpSnapshots, type SnapshotAudit, type SnapshotCleanup } from "./snapshot-cleanup.js";
import { commitSnapshot } from "./snapshot-commit.js";
import { createSnapshot } from "./snapshot-create.js";
import { snapshotMatcher } from "./snapshot-filter.js";
import { backendLabels } from "./snapshot-labels.js";
import {
  deleteSnapshot,
  findSnapshot,
  hasChild,
  readChain,
  readInfo,
  readPage,
  replaceLabels,
  type SnapshotRow,
  type SnapshotScope,
} from "./snapshot-rows.js";
import { backendKey, missingSnapshot, type SnapshotParts } from "./snapshot-words.js";
import type { Reader } from "./statements.js";

/** Snapshots of one message of a list, as containerd sends them. */
const PAGE_SNAPSHOTS = 100;

/** The store in this process: what any store does, and the upkeep of its backend. */
export interface LocalSnapshotStore extends SnapshotStore {
  /** As requests name it. */
  readonly name: string;
  /** Where its files lie. */
  readonly rootDir: string;
  /** What it can do beyond the common, as clients are told. */
  readonly capabilities: readonly string[];
  /** Frees the folders that no record names. */
  cleanup(): Promise<SnapshotCleanup>;
  /** Compares records and folders; changes nothing. */
  audit(): Promise<SnapshotAudit>;
}

/** The snapshotters of a store in this process, one for each backend. */
export interface LocalSnapshotters extends Snapshotters {
  /** @throws invalid_argument for an empty or unknown name. */
  get(name: string): LocalSnapshotStore;
  /** In the order of the backends. */
  all(): readonly LocalSnapshotStore[];
}

export interface SnapshottersOptions {
  /** Whether clients are told to fill layers side by side, where the backend can put them together. Default: true. */
  readonly layersApart?: boolean | undefined;
}

/** The stores over these backends. */
export function createSnapshotters(
  db: Database,
  backends: readonly SnapshotBackend[],
  options: SnapshottersOptions = {},
): LocalSnapshotters {
  const stores = new Map(backends.map((backend) => [backend.name, createSnapshotStore(db, backend, options)]));
  return {
    all: () => [...stores.values()],
    get(name) {
      if (name === "") throw invalidArgument("snapshotter argument missing");
      const store = stores.get(name);
      if (store === undefined) throw invalidArgument(`snapshotter not loaded: ${name}`);
      return store;
    },
  };
}

function createSnapshotStore(
  db: Database,
  backend: SnapshotBackend,
  { layersApart = true }: SnapshottersOptions,
): LocalSnapshotStore {
  const isApart = layersApart && backend.canRebase;
  const lock = new BackendLock();
  const parts: SnapshotParts = { db, backend };
  const scopeOf = (ctx: RequestContext): SnapshotScope => ({
    namespace: requireNamespace(ctx),
    snapshotter: backend.name,
  });

  /** @throws not_found. */
  function requireSnapshot(reader: Reader, scope: SnapshotScope, name: string): SnapshotRow {
    const row = findSnapshot(reader, scope, name);
    if (row === undefined) throw missingSnapshot(name);
    return row;
  }

  /** containerd forgets the class of what a list is refused for. */
  function listScope(ctx: RequestContext): SnapshotScope {
    try {
      return scopeOf(ctx);
    } catch (error) {
      throw error instanceof Error ? unknownError(error.message, error) : error;
    }
  }

  async function* list(ctx: RequestContext, filters: readonly string[] = []): AsyncGenerator<readonly SnapshotInfo[]> {
    const scope = listScope(ctx);
    const matches = snapshotMatcher(filters);
    const found: SnapshotInfo[] = [];
    for (let after: string | undefined = ""; after !== undefined; ) {
      const from: string = after;
      const page = db.view((reader) => readPage(reader, scope, from, PAGE_SNAPSHOTS));
      found.push(...page.filter(matches));
      if (found.length >= PAGE_SNAPSHOTS) yield found.splice(0, PAGE_SNAPSHOTS);
      after = page.length < PAGE_SNAPSHOTS ? undefined : page.at(-1)?.name;
      if (after !== undefined) await new Promise<void>((resolve) => setImmediate(resolve));
      ctx.signal?.throwIfAborted();
    }
    if (found.length > 0) yield found;
  }

  return {
    name: backend.name,
    rootDir: backend.rootDir,
    capabilities: isApart ? [LAYER_CAPABILITY] : [],
    list,
    layersApart: async () => isApart,

    async stat(ctx, key) {
      const scope = scopeOf(ctx);
      return db.view((reader) => readInfo(reader, scope, requireSnapshot(reader, scope, key)));
    },

    async update(ctx, info, paths = []) {
      if (info.name === "") throw new ContainerdError("invalid_argument", "invalid argument");
      const scope = scopeOf(ctx);
      return lock.shared(() =>
        db.update((tx) => {
          const current = readInfo(tx, scope, requireSnapshot(tx, scope, info.name));
          const labels = updatedLabels(current.labels, info.labels, paths, `snapshot ${quote(info.name)}`);
          replaceLabels(tx, scope, info.name, labels);
          return { ...current, labels, updatedAtNs: tx.nowNs };
        }),
      );
    },

    async usage(ctx, key) {
      const scope = scopeOf(ctx);
      const { id, kind, size, inodes } = db.view((reader) => requireSnapshot(reader, scope, key));
      return kind === "active" ? await backend.usage(id) : { sizeBytes: size, inodes };
    },

    async mounts(ctx, key) {
      const scope = scopeOf(ctx);
      return db.view((reader) => {
        const row = requireSnapshot(reader, scope, key);
        if (row.kind === "committed") {
          throw failedPrecondition(
            `failed to get ${backend.mountsName}: requested snapshot ${backendKey(scope, row)} not active or view`,
          );
        }
        const parents = readChain(reader, scope, row.parent);
        const labels = backendLabels(readInfo(reader, scope, row).labels);
        return backend.mounts({ id: row.id, kind: row.kind, parents, labels });
      });
    },

    prepare: async (ctx, key, options = {}) =>
      lock.shared(async () => createSnapshot(parts, ctx, scopeOf(ctx), { ...options, kind: "active", key })),

    view: async (ctx, key, options = {}) =>
      lock.shared(async () => createSnapshot(parts, ctx, scopeOf(ctx), { ...options, kind: "view", key })),

    commit: async (ctx, name, key, options = {}) =>
      lock.shared(async () => commitSnapshot(parts, ctx, scopeOf(ctx), { ...options, name, key })),

    async remove(ctx, key) {
      const scope = scopeOf(ctx);
      await lock.shared(() =>
        db.update(
          (tx) => {
            requireSnapshot(tx, scope, key);
            if (hasChild(tx, scope, key)) throw failedPrecondition("cannot remove snapshot with child");
            deleteSnapshot(tx, scope, key);
            removeFromLease(tx, ctx, scope.namespace, { type: `snapshots/${scope.snapshotter}`, id: key });
            tx.noteGarbage(`snapshots/${scope.snapshotter}`);
            tx.publish(scope.namespace, "/snapshot/remove", snapshotRemoved(scope.snapshotter, key));
          },
          { evenWhenFull: true },
        ),
      );
    },

    cleanup: () => cleanUpSnapshots(parts, lock),
    audit: () => auditSnapshots(parts, lock),
  };
}
