// The first schema: namespaces, containers, leases, the ledger. Drawn and explained in ../schema.ts.
import type { Migration } from "./migration.js";

export const init: Migration = {
  version: 1,
  name: "init",
  sql: `
CREATE TABLE meta (
  only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
  store_id TEXT NOT NULL,
  revision INTEGER NOT NULL
) STRICT;

CREATE TABLE namespaces (
  name TEXT PRIMARY KEY,
  held_containers INTEGER NOT NULL DEFAULT 0,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE namespace_labels (
  namespace TEXT NOT NULL REFERENCES namespaces (name) ON DELETE CASCADE,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE containers (
  namespace TEXT NOT NULL REFERENCES namespaces (name),
  id TEXT NOT NULL,
  image TEXT NOT NULL,
  runtime_name TEXT NOT NULL,
  snapshotter TEXT NOT NULL,
  snapshot_key TEXT NOT NULL,
  sandbox TEXT NOT NULL,
  created_seconds INTEGER NOT NULL,
  created_nanos INTEGER NOT NULL,
  updated_seconds INTEGER NOT NULL,
  updated_nanos INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (namespace, id)
) STRICT;
CREATE INDEX containers_by_image ON containers (namespace, image, id);

CREATE TABLE container_labels (
  namespace TEXT NOT NULL,
  id TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, id, key),
  FOREIGN KEY (namespace, id) REFERENCES containers (namespace, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX containers_by_label ON container_labels (namespace, key, value, id);

CREATE TABLE leases (
  namespace TEXT NOT NULL REFERENCES namespaces (name) ON DELETE CASCADE,
  id TEXT NOT NULL,
  created_seconds INTEGER NOT NULL,
  created_nanos INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (namespace, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE lease_labels (
  namespace TEXT NOT NULL,
  lease TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, lease, key),
  FOREIGN KEY (namespace, lease) REFERENCES leases (namespace, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE lease_resources (
  namespace TEXT NOT NULL,
  lease TEXT NOT NULL,
  type TEXT NOT NULL,
  id TEXT NOT NULL,
  PRIMARY KEY (namespace, lease, type, id),
  FOREIGN KEY (namespace, lease) REFERENCES leases (namespace, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  namespace TEXT NOT NULL,
  topic TEXT NOT NULL,
  time_seconds INTEGER NOT NULL,
  time_nanos INTEGER NOT NULL,
  written_seconds INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  envelope BLOB NOT NULL
) STRICT;

INSERT INTO meta (only_row, store_id, revision) VALUES (1, new_uuid(), 0);
`,
};
