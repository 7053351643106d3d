// Containers between their record and their rows: the row with the encoded message, and the labels that filters look at.
import type { Container } from "../api/core/container.js";
import { encodeContainer } from "../api/core/container-message.js";
import type { Labels } from "../api/core/labels.js";
import { toTimestamp } from "../api/core/time.js";
import type { Reader } from "./statements.js";
import type { Transaction } from "./transaction.js";

const GET = "SELECT record FROM containers WHERE namespace = ? AND id = ?";
const EXISTS = "SELECT 1 FROM containers WHERE namespace = ? AND id = ?";
const INSERT = `INSERT INTO containers (namespace, id, image, runtime_name, snapshotter, snapshot_key, sandbox,
    created_seconds, created_nanos, updated_seconds, updated_nanos, revision, record)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE = `UPDATE containers SET snapshot_key = ?, updated_seconds = ?, updated_nanos = ?, revision = ?, record = ?
  WHERE namespace = ? AND id = ?`;
const SET_IMAGE = "UPDATE containers SET image = ? WHERE namespace = ? AND id = ?";
const SET_RUNTIME = "UPDATE containers SET runtime_name = ? WHERE namespace = ? AND id = ?";
const DELETE = "DELETE FROM containers WHERE namespace = ? AND id = ?";
const SET_LABEL = `INSERT INTO container_labels (namespace, id, key, value) VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET value = excluded.value`;
const DELETE_LABEL = "DELETE FROM container_labels WHERE namespace = ? AND id = ? AND key = ?";
const HELD = "SELECT 1 FROM namespaces WHERE name = ? AND held_containers = 1";
const SET_HELD = "UPDATE namespaces SET held_containers = 1 WHERE name = ? AND held_containers = 0";

/** The encoded message of a container. */
export const readRecord = (reader: Reader, namespace: string, id: string): Uint8Array | undefined =>
  reader.get<{ record: Uint8Array }>(GET, namespace, id)?.record;

export const hasContainer = (reader: Reader, namespace: string, id: string): boolean =>
  reader.get(EXISTS, namespace, id) !== undefined;

/** Whether a container was ever made in the namespace. */
export const heldContainers = (reader: Reader, namespace: string): boolean => reader.get(HELD, namespace) !== undefined;

/** Answers the encoded message. */
export function insertContainer(tx: Transaction, namespace: string, container: Container): Uint8Array {
  const { seconds, nanos } = toTimestamp(container.createdAtNs);
  const record = encodeContainer(container);
  tx.touchNamespace(namespace);
  tx.run(SET_HELD, namespace);
  tx.run(
    INSERT,
    namespace,
    container.id,
    container.image,
    container.runtime.name,
    container.snapshotter,
    container.snapshotKey,
    container.sandbox,
    seconds,
    nanos,
    seconds,
    nanos,
    tx.revision,
    record,
  );
  writeLabels(tx, namespace, container.id, {}, container.labels);
  return record;
}

/** Writes what differs: each index that stays as it is spares a page of the WAL. Answers the encoded message. */
export function replaceContainer(tx: Transaction, namespace: string, before: Container, after: Container): Uint8Array {
  const { seconds, nanos } = toTimestamp(after.updatedAtNs);
  const record = encodeContainer(after);
  tx.run(UPDATE, after.snapshotKey, seconds, nanos, tx.revision, record, namespace, after.id);
  if (after.image !== before.image) tx.run(SET_IMAGE, after.image, namespace, after.id);
  if (after.runtime.name !== before.runtime.name) tx.run(SET_RUNTIME, after.runtime.name, namespace, after.id);
  writeLabels(tx, namespace, after.id, before.labels, after.labels);
  return record;
}

/** Its labels go with it. False when there is none. */
export const deleteContainer = (tx: Transaction, namespace: string, id: string): boolean =>
  tx.run(DELETE, namespace, id).changes > 0;

function writeLabels(tx: Transaction, namespace: string, id: string, before: Labels, after: Labels): void {
  const stored = new Map(Object.entries(before));
  for (const [key, value] of Object.entries(after)) {
    if (stored.get(key) !== value) tx.run(SET_LABEL, namespace, id, key, value);
    stored.delete(key);
  }
  for (const key of stored.keys()) tx.run(DELETE_LABEL, namespace, id, key);
}
