// The rows of snapshots and their labels: what is read and written, without the rules.
import type { Labels } from "../api/core/labels.js";
import type { SnapshotInfo, SnapshotKind, SnapshotUsage } from "../api/core/snapshot.js";
import { toTimestamp } from "../api/core/time.js";
import type { Reader } from "./statements.js";
import type { Transaction } from "./transaction.js";

/** Whose snapshots: names are unique within one of these. */
export interface SnapshotScope {
  readonly namespace: string;
  readonly snapshotter: string;
}

/** A snapshot without its labels. */
export interface SnapshotRow {
  readonly name: string;
  /** Number of its folders. */
  readonly id: number;
  /** Number in error texts. */
  readonly seq: number;
  readonly parent: string;
  readonly kind: SnapshotKind;
  readonly size: number;
  readonly inodes: number;
  readonly createdSeconds: number;
  readonly createdNanos: number;
  readonly updatedSeconds: number;
  readonly updatedNanos: number;
}

const COLUMNS = `name, id, seq, parent, kind, size, inodes, created_seconds AS createdSeconds, created_nanos AS createdNanos,
  updated_seconds AS updatedSeconds, updated_nanos AS updatedNanos`;
const GET = `SELECT ${COLUMNS} FROM snapshots WHERE namespace = ? AND snapshotter = ? AND name = ?`;
const PAGE = `SELECT ${COLUMNS} FROM snapshots WHERE namespace = ? AND snapshotter = ? AND name > ? ORDER BY name LIMIT ?`;
const LABELS =
  "SELECT name, key, value FROM snapshot_labels WHERE namespace = ? AND snapshotter = ? AND name >= ? AND name <= ? ORDER BY name, key";
const CHILD = "SELECT 1 FROM snapshots WHERE namespace = ? AND snapshotter = ? AND parent = ? LIMIT 1";
const IDS = "SELECT id FROM snapshots WHERE snapshotter = ?";
const FOLDER_OWNERS = "SELECT namespace, name, id, kind FROM snapshots WHERE snapshotter = ? ORDER BY id";
const INSERT = `INSERT INTO snapshots (namespace, snapshotter, name, id, seq, parent, kind, size, inodes,
    created_seconds, created_nanos, updated_seconds, updated_nanos, revision)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const TOUCH = `UPDATE snapshots SET updated_seconds = ?, updated_nanos = ?, revision = ?
  WHERE namespace = ? AND snapshotter = ? AND name = ?`;
const DELETE = "DELETE FROM snapshots WHERE namespace = ? AND snapshotter = ? AND name = ?";
const INSERT_LABEL = "INSERT INTO snapshot_labels (namespace, snapshotter, name, key, value) VALUES (?, ?, ?, ?, ?)";
const DELETE_LABELS = "DELETE FROM snapshot_labels WHERE namespace = ? AND snapshotter = ? AND name = ?";
const COUNT = "INSERT INTO counters (name, last) VALUES (?, 1) ON CONFLICT DO UPDATE SET last = last + 1";
const COUNTER = "SELECT last FROM counters WHERE name = ?";

const seqCounter = ({ namespace, snapshotter }: SnapshotScope): string => `snapshots/${snapshotter}/${namespace}`;

export function findSnapshot(reader: Reader, { namespace, snapshotter }: SnapshotScope, name: string) {
  return reader.get<SnapshotRow>(GET, namespace, snapshotter, name);
}

/** Up to `limit` snapshots whose names come after `after`, with their labels. */
export function readPage(reader: Reader, scope: SnapshotScope, after: string, limit: number): SnapshotInfo[] {
  const { namespace, snapshotter } = scope;
  const rows = reader.all<SnapshotRow>(PAGE, namespace, snapshotter, after, limit);
  const labels = readLabels(reader, scope, rows[0]?.name ?? "", rows.at(-1)?.name ?? "");
  return rows.map((row) => toInfo(row, Object.fromEntries(labels.get(row.name) ?? [])));
}

/** The snapshot with its labels. */
export function readInfo(reader: Reader, scope: SnapshotScope, row: SnapshotRow): SnapshotInfo {
  return toInfo(row, Object.fromEntries(readLabels(reader, scope, row.name, row.name).get(row.name) ?? []));
}

function readLabels(reader: Reader, scope: SnapshotScope, first: string, last: string) {
  const labels = new Map<string, [string, string][]>();
  const { namespace, snapshotter } = scope;
  for (const { name, key, value } of reader.all<{ name: string; key: string; value: string }>(
    LABELS,
    namespace,
    snapshotter,
    first,
    last,
  )) {
    const entries = labels.get(name);
    if (entries === undefined) labels.set(name, [[key, value]]);
    else entries.push([key, value]);
  }
  return labels;
}

function toInfo(row: SnapshotRow, labels: Labels): SnapshotInfo {
  const { name, parent, kind } = row;
  return {
    name,
    parent,
    kind,
    createdAtNs: BigInt(row.createdSeconds) * 1_000_000_000n + BigInt(row.createdNanos),
    updatedAtNs: BigInt(row.updatedSeconds) * 1_000_000_000n + BigInt(row.updatedNanos),
    labels,
  };
}

/** Numbers of the folders from this snapshot down to the lowest, the nearest first; none for "". */
export function readChain(reader: Reader, scope: SnapshotScope, name: string): number[] {
  const ids: number[] = [];
  for (let row = name === "" ? undefined : findSnapshot(reader, scope, name); row !== undefined; ) {
    ids.push(row.id);
    row = row.parent === "" ? undefined : findSnapshot(reader, scope, row.parent);
  }
  return ids;
}

/** Whether another snapshot builds on this one. */
export const hasChild = (reader: Reader, { namespace, snapshotter }: SnapshotScope, name: string): boolean =>
  reader.get(CHILD, namespace, snapshotter, name) !== undefined;

/** Numbers of all folders that snapshots of any namespace need. */
export const readIds = (reader: Reader, snapshotter: string): Set<number> =>
  new Set(reader.all<{ id: number }>(IDS, snapshotter).map(({ id }) => id));

/** Whose folders there must be, over all namespaces. */
export const readFolderOwners = (reader: Reader, snapshotter: string) =>
  reader.all<Pick<SnapshotRow, "id" | "name" | "kind"> & { readonly namespace: string }>(FOLDER_OWNERS, snapshotter);

export interface NewSnapshot extends SnapshotUsage {
  readonly name: string;
  readonly id: number;
  readonly seq: number;
  readonly parent: string;
  readonly kind: SnapshotKind;
  readonly labels: Labels;
}

/** Created now. */
export function insertSnapshot(tx: Transaction, scope: SnapshotScope, snapshot: NewSnapshot): void {
  const { namespace, snapshotter } = scope;
  const { name, id, seq, parent, kind, sizeBytes, inodes, labels } = snapshot;
  const { seconds, nanos } = toTimestamp(tx.nowNs);
  tx.touchNamespace(namespace);
  const times = [seconds, nanos, seconds, nanos];
  tx.run(INSERT, namespace, snapshotter, name, id, seq, parent, kind, sizeBytes, inodes, ...times, tx.revision);
  insertLabels(tx, scope, name, labels);
}

/** Gives a snapshot other labels, now. */
export function replaceLabels(tx: Transaction, scope: SnapshotScope, name: string, labels: Labels): void {
  const { namespace, snapshotter } = scope;
  const { seconds, nanos } = toTimestamp(tx.nowNs);
  tx.run(TOUCH, seconds, nanos, tx.revision, namespace, snapshotter, name);
  tx.run(DELETE_LABELS, namespace, snapshotter, name);
  insertLabels(tx, scope, name, labels);
}

function insertLabels(tx: Transaction, { namespace, snapshotter }: SnapshotScope, name: string, labels: Labels): void {
  for (const [key, value] of Object.entries(labels)) tx.run(INSERT_LABEL, namespace, snapshotter, name, key, value);
}

export function deleteSnapshot(tx: Transaction, { namespace, snapshotter }: SnapshotScope, name: string): void {
  tx.run(DELETE, namespace, snapshotter, name);
}

function count(tx: Transaction, counter: string): number {
  tx.run(COUNT, counter);
  return tx.get<{ last: number }>(COUNTER, counter)?.last ?? 0;
}

/** A number for folders. */
export const nextId = (tx: Transaction, snapshotter: string): number => count(tx, `snapshots/${snapshotter}`);

/** A number for error texts. */
export const nextSeq = (tx: Transaction, scope: SnapshotScope): number => count(tx, seqCounter(scope));

/** Whether this namespace ever had a snapshot of this snapshotter. */
export const hadSnapshots = (reader: Reader, scope: SnapshotScope): boolean =>
  reader.get(COUNTER, seqCounter(scope)) !== undefined;
