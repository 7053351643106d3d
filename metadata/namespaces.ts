// The store of namespaces and their labels. The rows of other tables hang on a namespace's row.
// @source containerd core/metadata/namespaces.go, plugins/services/namespaces
import { alreadyExists, ContainerdError, failedPrecondition, notFound, wrapError } from "../api/core/errors.js";
import { validateIdentifier } from "../api/core/identifiers.js";
import { type Labels, storedLabels, validateLabels } from "../api/core/labels.js";
import type { Namespace, NamespaceStore } from "../api/core/namespace.js";
import { quote } from "../api/core/quote.js";
import { namespaceCreated, namespaceDeleted, namespaceUpdated } from "./change-events.js";
import type { Database } from "./db.js";
import type { Reader } from "./statements.js";
import type { Transaction } from "./transaction.js";

interface LabelRow {
  readonly key: string;
  readonly value: string;
}

const EXISTS = "SELECT 1 FROM namespaces WHERE name = ?";
const LABELS = "SELECT key, value FROM namespace_labels WHERE namespace = ? ORDER BY key";
const ALL = `SELECT n.name, l.key, l.value FROM namespaces n LEFT JOIN namespace_labels l ON l.namespace = n.name
  ORDER BY n.name, l.key`;
const SET_REVISION = "UPDATE namespaces SET revision = ? WHERE name = ?";
const DELETE = "DELETE FROM namespaces WHERE name = ?";
const DELETE_LABELS = "DELETE FROM namespace_labels WHERE namespace = ?";
const DELETE_LABEL = "DELETE FROM namespace_labels WHERE namespace = ? AND key = ?";
const SET_LABEL = `INSERT INTO namespace_labels (namespace, key, value) VALUES (?, ?, ?)
  ON CONFLICT DO UPDATE SET value = excluded.value`;

/** What keeps a namespace from being deleted, in the order in which the refusal names it. */
const CONTENTS: readonly { readonly kind: string; readonly sql: string }[] = [
  { kind: "images", sql: "SELECT 1 FROM images WHERE namespace = ? LIMIT 1" },
  { kind: "blobs", sql: "SELECT 1 FROM content WHERE namespace = ? LIMIT 1" },
  { kind: "containers", sql: "SELECT 1 FROM containers WHERE namespace = ? LIMIT 1" },
];
const SNAPSHOTTERS = "SELECT DISTINCT snapshotter FROM snapshots WHERE namespace = ? ORDER BY snapshotter";

const LABEL_PATH = "labels.";

function checkLabels(labels: Labels): void {
  try {
    validateLabels(labels);
  } catch (error) {
    throw wrapError("namespace.Labels", error);
  }
}

/** The labels a path list names, with their new values; "" is "none". @throws invalid_argument for any other path. */
function namedLabels(labels: Labels, paths: readonly string[]): Labels {
  return Object.fromEntries(
    paths.map((path) => {
      if (!path.startsWith(LABEL_PATH)) {
        throw new ContainerdError("invalid_argument", `cannot update ${quote(path)} field`);
      }
      const key = path.slice(LABEL_PATH.length);
      return [key, Object.hasOwn(labels, key) ? (labels[key] ?? "") : ""];
    }),
  );
}

/** Sets labels, or removes those whose value is empty. Either brings the namespace into being, as it does in containerd. */
function writeLabels(tx: Transaction, name: string, labels: Labels): void {
  for (const [key, value] of Object.entries(labels)) {
    tx.touchNamespace(name);
    if (value === "") tx.run(DELETE_LABEL, name, key);
    else tx.run(SET_LABEL, name, key, value);
  }
}

function readLabels(reader: Reader, name: string): Labels {
  return Object.fromEntries(reader.all<LabelRow>(LABELS, name).map(({ key, value }) => [key, value]));
}

/** The namespace store of a database. */
export function createNamespaceStore(db: Database): NamespaceStore {
  return {
    async get(_ctx, name) {
      return { name, labels: db.view((reader) => readLabels(reader, name)) };
    },

    async list() {
      const rows = db.view((reader) => reader.all<{ name: string; key: string | null; value: string | null }>(ALL));
      const labels = new Map<string, [string, string][]>();
      for (const { name, key, value } of rows) {
        const entries = labels.get(name) ?? [];
        if (key !== null && value !== null) entries.push([key, value]);
        labels.set(name, entries);
      }
      return Array.from(labels, ([name, entries]): Namespace => ({ name, labels: Object.fromEntries(entries) }));
    },

    async create(_ctx, namespace) {
      validateIdentifier(namespace.name);
      checkLabels(namespace.labels);
      return db.update((tx) => {
        if (tx.get(EXISTS, namespace.name) !== undefined) throw alreadyExists(`namespace ${quote(namespace.name)}`);
        tx.touchNamespace(namespace.name);
        writeLabels(tx, namespace.name, storedLabels(namespace.labels));
        tx.publish(namespace.name, "/namespaces/create", namespaceCreated(namespace));
        return namespace;
      });
    },

    async update(_ctx, namespace, paths = []) {
      validateIdentifier(namespace.name);
      const labels = paths.length === 0 ? namespace.labels : namedLabels(namespace.labels, paths);
      checkLabels(labels);
      await db.update((tx) => {
        if (paths.length === 0) tx.run(DELETE_LABELS, namespace.name);
        writeLabels(tx, namespace.name, labels);
        tx.run(SET_REVISION, tx.revision, namespace.name);
        tx.publish(namespace.name, "/namespaces/update", namespaceUpdated(namespace));
      });
    },

    async delete(_ctx, name) {
      await db.update(
        (tx) => {
          const held = CONTENTS.filter(({ sql }) => tx.get(sql, name) !== undefined).map(({ kind }) => kind);
          for (const { snapshotter } of tx.all<{ snapshotter: string }>(SNAPSHOTTERS, name)) {
            held.push(`snapshots on ${quote(snapshotter)} snapshotter`);
          }
          if (held.length > 0) {
            throw failedPrecondition(`namespace ${quote(name)} must be empty, but it still has ${held.join(", ")}`);
          }
          if (tx.run(DELETE, name).changes === 0) throw notFound(`namespace ${quote(name)}`);
          tx.publish(name, "/namespaces/delete", namespaceDeleted(name));
        },
        { evenWhenFull: true },
      );
    },
  };
}
