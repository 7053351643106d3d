// Images, content and snapshots. Drawn and explained in ../schema.ts.
import type { Migration } from "./migration.js";

export const images: Migration = {
  version: 3,
  name: "images",
  sql: `
CREATE TABLE images (
  namespace TEXT NOT NULL REFERENCES namespaces (name),
  name TEXT NOT NULL,
  target_digest TEXT NOT NULL,
  target_media_type TEXT NOT NULL,
  created_seconds INTEGER NOT NULL,
  created_nanos INTEGER NOT NULL,
  updated_seconds INTEGER NOT NULL,
  updated_nanos INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  record BLOB NOT NULL,
  PRIMARY KEY (namespace, name)
) STRICT;
CREATE INDEX images_by_target ON images (namespace, target_digest, name);

CREATE TABLE image_labels (
  namespace TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, name, key),
  FOREIGN KEY (namespace, name) REFERENCES images (namespace, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE content (
  namespace TEXT NOT NULL REFERENCES namespaces (name),
  digest TEXT NOT NULL,
  size INTEGER NOT NULL,
  created_seconds INTEGER NOT NULL,
  created_nanos INTEGER NOT NULL,
  updated_seconds INTEGER NOT NULL,
  updated_nanos INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (namespace, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX content_by_digest ON content (digest);

CREATE TABLE content_labels (
  namespace TEXT NOT NULL,
  digest TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, digest, key),
  FOREIGN KEY (namespace, digest) REFERENCES content (namespace, digest) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE ingests (
  namespace TEXT NOT NULL REFERENCES namespaces (name) ON DELETE CASCADE,
  ref TEXT NOT NULL,
  seq INTEGER NOT NULL,
  expected TEXT NOT NULL,
  expire_seconds INTEGER,
  expire_nanos INTEGER,
  revision INTEGER NOT NULL,
  PRIMARY KEY (namespace, ref)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
  namespace TEXT NOT NULL REFERENCES namespaces (name),
  snapshotter TEXT NOT NULL,
  name TEXT NOT NULL,
  id INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  parent TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('view', 'active', 'committed')),
  size INTEGER NOT NULL,
  inodes INTEGER NOT NULL,
  created_seconds INTEGER NOT NULL,
  created_nanos INTEGER NOT NULL,
  updated_seconds INTEGER NOT NULL,
  updated_nanos INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  PRIMARY KEY (namespace, snapshotter, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX snapshots_by_parent ON snapshots (namespace, snapshotter, parent);
CREATE UNIQUE INDEX snapshots_by_id ON snapshots (snapshotter, id);

CREATE TABLE snapshot_labels (
  namespace TEXT NOT NULL,
  snapshotter TEXT NOT NULL,
  name TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (namespace, snapshotter, name, key),
  FOREIGN KEY (namespace, snapshotter, name) REFERENCES snapshots (namespace, snapshotter, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX containers_by_snapshot ON containers (namespace, snapshotter, snapshot_key, id) WHERE snapshotter <> '';

CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`,
};
