// Rows of content and of ingests, and what statements there are for them.
import type { ContentInfo } from "../api/core/content.js";
import type { Labels } from "../api/core/labels.js";
import { toTimestamp } from "../api/core/time.js";
import type { Reader } from "./statements.js";
import type { Transaction } from "./transaction.js";

interface ContentRow {
  readonly digest: string;
  readonly size: number;
  readonly createdSeconds: number;
  readonly createdNanos: number;
  readonly updatedSeconds: number;
  readonly updatedNanos: number;
}

interface LabelRow {
  readonly digest: string;
  readonly key: string;
  readonly value: string;
}

/** What the database knows of an ingest. */
export interface IngestRow {
  readonly namespace: string;
  readonly ref: string;
  readonly seq: number;
  /** Digest of the blob of another namespace that it stands for; "" for an ordinary one. */
  readonly expected: string;
}

const COLUMNS = `digest, size, created_seconds AS createdSeconds, created_nanos AS createdNanos,
  updated_seconds AS updatedSeconds, updated_nanos AS updatedNanos`;
const GET = `SELECT ${COLUMNS} FROM content WHERE namespace = ? AND digest = ?`;
const PAGE = `SELECT ${COLUMNS} FROM content WHERE namespace = ? AND digest > ? ORDER BY digest LIMIT ?`;
const LABELS = "SELECT digest, key, value FROM content_labels WHERE namespace = ? AND digest >= ? AND digest <= ?";
const INSERT = `INSERT INTO content (namespace, digest, size, created_seconds, created_nanos, updated_seconds, updated_nanos, revision)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE =
  "UPDATE content SET updated_seconds = ?, updated_nanos = ?, revision = ? WHERE namespace = ? AND digest = ?";
const DELETE = "DELETE FROM content WHERE namespace = ? AND digest = ?";
const DELETE_LABELS = "DELETE FROM content_labels WHERE namespace = ? AND digest = ?";
const INSERT_LABEL = "INSERT INTO content_labels (namespace, digest, key, value) VALUES (?, ?, ?, ?)";

const GET_INGEST = "SELECT namespace, ref, seq, expected FROM ingests WHERE namespace = ? AND ref = ?";
const INGESTS = "SELECT namespace, ref, seq, expected FROM ingests WHERE namespace = ? ORDER BY ref";
const ALL_INGESTS = "SELECT namespace, ref, seq, expected FROM ingests";
const PUT_INGEST = `INSERT INTO ingests (namespace, ref, seq, expected, expire_seconds, expire_nanos, revision)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET expected = excluded.expected, revision = excluded.revision,
    expire_seconds = coalesce(excluded.expire_seconds, expire_seconds),
    expire_nanos = coalesce(excluded.expire_nanos, expire_nanos)`;
const DELETE_INGEST = "DELETE FROM ingests WHERE namespace = ? AND ref = ? AND seq = ?";
const NEXT = `INSERT INTO counters (name, last) VALUES (?, 1) ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last`;

const timeOf = (seconds: number, nanos: number): bigint => BigInt(seconds) * 1_000_000_000n + BigInt(nanos);

function infosOf(reader: Reader, namespace: string, rows: readonly ContentRow[]): ContentInfo[] {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return [];
  const labels = new Map<string, [string, string][]>(rows.map(({ digest }) => [digest, []]));
  for (const { digest, key, value } of reader.all<LabelRow>(LABELS, namespace, first.digest, last.digest)) {
    labels.get(digest)?.push([key, value]);
  }
  return rows.map((row) => ({
    digest: row.digest,
    sizeBytes: row.size,
    createdAtNs: timeOf(row.createdSeconds, row.createdNanos),
    updatedAtNs: timeOf(row.updatedSeconds, row.updatedNanos),
    labels: Object.fromEntries(labels.get(row.digest) ?? []),
  }));
}

export function readInfo(reader: Reader, namespace: string, digest: string): ContentInfo | undefined {
  const row = reader.get<ContentRow>(GET, namespace, digest);
  return row && infosOf(reader, namespace, [row])[0];
}

/** Up to `limit` behind the digest `after`, in order. */
export const readInfos = (reader: Reader, namespace: string, after: string, limit: number): ContentInfo[] =>
  infosOf(reader, namespace, reader.all<ContentRow>(PAGE, namespace, after, limit));

function insertLabels(tx: Transaction, namespace: string, digest: string, labels: Labels): void {
  for (const [key, value] of Object.entries(labels)) tx.run(INSERT_LABEL, namespace, digest, key, value);
}

/** Stamps it with the time of the transaction. */
export function insertContent(
  tx: Transaction,
  namespace: string,
  { digest, sizeBytes, labels }: Pick<ContentInfo, "digest" | "sizeBytes" | "labels">,
): void {
  const { seconds, nanos } = toTimestamp(tx.nowNs);
  tx.touchNamespace(namespace);
  tx.run(INSERT, namespace, digest, sizeBytes, seconds, nanos, seconds, nanos, tx.revision);
  insertLabels(tx, namespace, digest, labels);
}

/** Replaces the labels. */
export function updateContent(tx: Transaction, namespace: string, digest: string, labels: Labels): void {
  const { seconds, nanos } = toTimestamp(tx.nowNs);
  tx.run(UPDATE, seconds, nanos, tx.revision, namespace, digest);
  tx.run(DELETE_LABELS, namespace, digest);
  insertLabels(tx, namespace, digest, labels);
}

/** @returns whether there was one. */
export const deleteContent = (tx: Transaction, namespace: string, digest: string): boolean =>
  tx.run(DELETE, namespace, digest).changes > 0;

/** The backend's name for an ingest. */
export const backendRef = ({ namespace, ref, seq }: Pick<IngestRow, "namespace" | "ref" | "seq">): string =>
  `${namespace}/${seq}/${ref}`;

export const readIngest = (reader: Reader, namespace: string, ref: string): IngestRow | undefined =>
  reader.get<IngestRow>(GET_INGEST, namespace, ref);

export const readIngests = (reader: Reader, namespace: string): IngestRow[] =>
  reader.all<IngestRow>(INGESTS, namespace);

export const readAllIngests = (reader: Reader): IngestRow[] => reader.all<IngestRow>(ALL_INGESTS);

/** Makes an ingest, or opens it again: then an expiry of its own stays unless there is a new one. */
export function putIngest(
  tx: Transaction,
  namespace: string,
  ref: string,
  expected: string,
  expiresAtNs: bigint | undefined,
): IngestRow {
  // Never the same number twice: what is left of an aborted ingest must not be taken for the next one of that name.
  const seq = readIngest(tx, namespace, ref)?.seq ?? tx.get<{ last: number }>(NEXT, "ingests")?.last ?? 1;
  const expiry = expiresAtNs === undefined ? undefined : toTimestamp(expiresAtNs);
  tx.touchNamespace(namespace);
  tx.run(PUT_INGEST, namespace, ref, seq, expected, expiry?.seconds ?? null, expiry?.nanos ?? null, tx.revision);
  return { namespace, ref, seq, expected };
}

/** @returns whether it was still there. */
export const deleteIngest = (tx: Transaction, { namespace, ref, seq }: IngestRow): boolean =>
  tx.run(DELETE_INGEST, namespace, ref, seq).changes > 0;
