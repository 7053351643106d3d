// Turning an active snapshot into a committed one: the folders stay where they are, the record gets its name, usage and labels.
// @source containerd core/metadata/snapshot.go (Commit)
import type { RequestContext } from "../api/core/context.js";
import { alreadyExists, failedPrecondition, invalidArgument, notFound, unknownError } from "../api/core/errors.js";
import { quote } from "../api/core/quote.js";
import type { CommitSnapshotOptions, SnapshotUsage } from "../api/core/snapshot.js";
import { snapshotCommitted } from "./change-events.js";
import { validInfoLabels } from "./label-mask.js";
import { addToLease, removeFromLease } from "./lease-header.js";
import {
  deleteSnapshot,
  findSnapshot,
  hadSnapshots,
  insertSnapshot,
  nextSeq,
  type SnapshotRow,
  type SnapshotScope,
} from "./snapshot-rows.js";
import { backendKey, missingSnapshot, type SnapshotParts } from "./snapshot-words.js";

interface Commit extends CommitSnapshotOptions {
  readonly name: string;
  readonly key: string;
}

/** @throws failed_precondition, invalid_argument: a snapshot stays on the parent that it was filled over. */
function requireParent({ name, parent }: SnapshotRow, wanted: string): void {
  if (wanted === "" || wanted === parent) return;
  if (parent === "") throw failedPrecondition(`failed to commit snapshot: ${quote(name)} has no parent to be put onto`);
  throw invalidArgument(`failed to commit snapshot: it has parent ${quote(parent)}, not ${quote(wanted)}`);
}

/** @throws already_exists, not_found, failed_precondition. */
export async function commitSnapshot(
  { db, backend }: SnapshotParts,
  ctx: RequestContext,
  scope: SnapshotScope,
  { name, key, labels: given = {}, parent = "" }: Commit,
): Promise<void> {
  const labels = validInfoLabels(given);
  const before = db.view((reader) => findSnapshot(reader, scope, key));
  const usage: SnapshotUsage = before?.kind === "active" ? await backend.usage(before.id) : { sizeBytes: 0, inodes: 0 };
  const resource = (id: string) => ({ type: `snapshots/${scope.snapshotter}`, id });
  await db.update((tx) => {
    if (!hadSnapshots(tx, scope)) throw notFound(`can not find snapshotter ${quote(scope.snapshotter)}`);
    if (name === "") throw unknownError("bucket name required");
    if (findSnapshot(tx, scope, name) !== undefined) throw alreadyExists(`snapshot ${quote(name)}`);
    const row = findSnapshot(tx, scope, key);
    // Another one of this name was not measured.
    if (row === undefined || (row.kind === "active" && row.id !== before?.id)) throw missingSnapshot(key);
    addToLease(tx, ctx, scope.namespace, resource(name));
    removeFromLease(tx, ctx, scope.namespace, resource(key));
    if (row.kind !== "active") {
      throw failedPrecondition(`failed to commit snapshot: snapshot ${quote(backendKey(scope, row))} is not active`);
    }
    requireParent(row, parent);
    const seq = nextSeq(tx, scope);
    deleteSnapshot(tx, scope, key);
    insertSnapshot(tx, scope, { name, id: row.id, seq, parent: row.parent, kind: "committed", labels, ...usage });
    tx.publish(scope.namespace, "/snapshot/commit", snapshotCommitted(scope.snapshotter, key, name));
  });
}
