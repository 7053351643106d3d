// Making an active snapshot or a view: one transaction checks and takes the numbers, the backend makes the folders, a second
// transaction writes the record, the lease's entry and the event. Whoever loses a race in between has its folders taken away again.
// @source containerd core/metadata/snapshot.go (createSnapshot)
import type { RequestContext } from "../api/core/context.js";
import { alreadyExists, type ContainerdError, invalidArgument, notFound, unknownError } from "../api/core/errors.js";
import type { Labels } from "../api/core/labels.js";
import { quote } from "../api/core/quote.js";
import type { PrepareOptions } from "../api/core/snapshot.js";
import type { SnapshotFolder } from "../api/core/snapshot-backend.js";
import type { Mount } from "../api/core/task.js";
import { snapshotPrepared } from "./change-events.js";
import { validInfoLabels } from "./label-mask.js";
import { addToLease, hasLease } from "./lease-header.js";
import { backendLabels, TARGET_LABEL } from "./snapshot-labels.js";
import {
  findSnapshot,
  insertSnapshot,
  nextId,
  nextSeq,
  readChain,
  type SnapshotRow,
  type SnapshotScope,
} from "./snapshot-rows.js";
import { backendKey, type SnapshotParts } from "./snapshot-words.js";
import type { Reader } from "./statements.js";
import type { Transaction } from "./transaction.js";

interface Creation extends PrepareOptions {
  readonly kind: "active" | "view";
  readonly key: string;
}

interface Reservation {
  readonly id: number;
  readonly seq: number;
  readonly parentRow: SnapshotRow | undefined;
  /** Folders below, the nearest first. */
  readonly parents: readonly number[];
}

const existing = (key: string): ContainerdError => alreadyExists(`snapshot ${quote(key)}`);

/** @throws not_found. */
function findParent(reader: Reader, scope: SnapshotScope, parent: string): SnapshotRow | undefined {
  if (parent === "") return undefined;
  const row = findSnapshot(reader, scope, parent);
  if (row === undefined) throw notFound(`parent snapshot ${parent} does not exist`);
  return row;
}

/** @returns mounts of the new snapshot. @throws already_exists, not_found, invalid_argument. */
export async function createSnapshot(
  { db, backend }: SnapshotParts,
  ctx: RequestContext,
  scope: SnapshotScope,
  { kind, key, parent = "", labels: given = {} }: Creation,
): Promise<readonly Mount[]> {
  const labels = validInfoLabels(given);
  const lease = (tx: Transaction, id: string): void => {
    addToLease(tx, ctx, scope.namespace, { type: `snapshots/${scope.snapshotter}`, id });
  };

  /** What is there already is told rather than thrown: the lease holds it from now on. */
  function reserve(tx: Transaction): Reservation | ContainerdError {
    const target = labels[TARGET_LABEL];
    if (target !== undefined && findSnapshot(tx, scope, target) !== undefined) {
      lease(tx, target);
      return alreadyExists(`target snapshot ${quote(target)}`);
    }
    if (findSnapshot(tx, scope, key) !== undefined) {
      lease(tx, key);
      return existing(key);
    }
    const parentRow = findParent(tx, scope, parent);
    const parents = readChain(tx, scope, parent);
    return { id: nextId(tx, scope.snapshotter), seq: nextSeq(tx, scope), parentRow, parents };
  }

  const reserved = await db.update(reserve);
  if (reserved instanceof Error) throw reserved;
  const { id, seq, parentRow, parents } = reserved;
  // In containerd the first of its two tables that is written to complains.
  if (key === "") throw unknownError(hasLease(ctx) ? "key required" : "bucket name required");
  if (parentRow !== undefined && parentRow.kind !== "committed") {
    const name = quote(backendKey(scope, parentRow));
    throw invalidArgument(`failed to create snapshot: parent ${name} is not committed snapshot`);
  }
  const folder: SnapshotFolder = { id, kind, parents, labels: backendLabels(labels) };
  await backend.create(folder);
  try {
    await db.update((tx) => {
      lease(tx, key);
      if (findSnapshot(tx, scope, key) !== undefined) throw existing(key);
      if (findParent(tx, scope, parent)?.id !== parentRow?.id)
        throw notFound(`parent snapshot ${parent} does not exist`);
      insertSnapshot(tx, scope, { name: key, id, seq, parent, kind, labels: labels satisfies Labels, ...NO_USAGE });
      if (kind === "active")
        tx.publish(scope.namespace, "/snapshot/prepare", snapshotPrepared(scope.snapshotter, key, parent));
    });
  } catch (error) {
    await backend.remove(id);
    throw error;
  }
  return backend.mounts(folder);
}

/** Until it is committed. */
const NO_USAGE = { sizeBytes: 0, inodes: 0 };
