// Turning an active snapshot into a committed one: the folders stay where they are, the record gets its name, usage and labels.
// @source containerd core/metadata/snapshot.go (Commit)
import type { RequestContext } from "../api/core/context.js";
import { alreadyExists, failedPrecondition, invalidArgument, notFound, unknownError } from "../api/core/errors.js";
import { quote } from "../api/core/quote.js";
import { type CommitSnapshotOptions, LAYER_LABEL, type SnapshotUsage } from "../api/core/snapshot.js";
import { snapshotCommitted } from "./change-events.js";
import { validInfoLabels } from "./label-mask.js";
import { addToLease, removeFromLease } from "./lease-header.js";
import {
  deleteSnapshot,
  findSnapshot,
  hadSnapshots,
  insertSnapshot,
  nextSeq,
  readChain,
  readInfo,
  type SnapshotRow,
  type SnapshotScope,
} from "./snapshot-rows.js";
import { backendKey, missingSnapshot, type SnapshotParts } from "./snapshot-words.js";
import type { Reader } from "./statements.js";

interface Commit extends CommitSnapshotOptions {
  readonly name: string;
  readonly key: string;
}

/** The parent that the committed snapshot will have. @throws not_found, invalid_argument, failed_precondition. */
function parentAfter(
  reader: Reader,
  scope: SnapshotScope,
  active: SnapshotRow,
  wanted: string,
  settledOn: number | undefined,
): string {
  const { parent } = active;
  if (wanted === "" || wanted === parent) return parent;
  if (parent !== "")
    throw invalidArgument(`failed to commit snapshot: it has parent ${quote(parent)}, not ${quote(wanted)}`);
  const row = findSnapshot(reader, scope, wanted);
  if (row === undefined) throw notFound(`parent snapshot ${wanted} does not exist`);
  if (row.kind !== "committed") {
    throw invalidArgument(
      `failed to commit snapshot: parent ${quote(backendKey(scope, row))} is not committed snapshot`,
    );
  }
  // Another one of this name was not looked at.
  if (settledOn !== row.id) {
    throw failedPrecondition(
      `failed to commit snapshot: ${quote(active.name)} was not prepared to be put onto a parent`,
    );
  }
  return wanted;
}

/** Folders of what a snapshot that was filled apart will lie on; undefined for any other, and for what will be refused. */
function layerParents(
  reader: Reader,
  scope: SnapshotScope,
  row: SnapshotRow | undefined,
  { name, parent = "" }: Commit,
): number[] | undefined {
  if (row?.kind !== "active" || row.parent !== "" || findSnapshot(reader, scope, name) !== undefined) return undefined;
  if (!Object.hasOwn(readInfo(reader, scope, row).labels, LAYER_LABEL)) return undefined;
  if (parent === "") return [];
  return findSnapshot(reader, scope, parent)?.kind === "committed" ? readChain(reader, scope, parent) : undefined;
}

/** @throws already_exists, not_found, failed_precondition. */
export async function commitSnapshot(
  { db, backend }: SnapshotParts,
  ctx: RequestContext,
  scope: SnapshotScope,
  commit: Commit,
): Promise<void> {
  const { name, key, parent = "" } = commit;
  const labels = validInfoLabels(commit.labels ?? {});
  const { before, below } = db.view((reader) => {
    const row = findSnapshot(reader, scope, key);
    return { before: row, below: backend.canRebase ? layerParents(reader, scope, row, commit) : undefined };
  });
  if (before !== undefined && below !== undefined) await backend.settleLayer(before.id, below);
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
    const newParent = parentAfter(tx, scope, row, parent, below?.[0]);
    const seq = nextSeq(tx, scope);
    deleteSnapshot(tx, scope, key);
    insertSnapshot(tx, scope, { name, id: row.id, seq, parent: newParent, kind: "committed", labels, ...usage });
    tx.publish(scope.namespace, "/snapshot/commit", snapshotCommitted(scope.snapshotter, key, name));
  });
}
