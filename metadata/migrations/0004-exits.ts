// How tasks ended, and what is known of those that have not. Drawn and explained in ../schema.ts.
import type { Migration } from "./migration.js";

const REQUEST_COLUMNS = `request_seconds INTEGER,
  request_nanos INTEGER,
  request_signal INTEGER,
  request_pid INTEGER,
  request_uid INTEGER,
  request_gid INTEGER,
  request_by TEXT`;

export const exits: Migration = {
  version: 4,
  name: "exits",
  sql: `
CREATE TABLE attempts (
  namespace TEXT NOT NULL,
  container TEXT NOT NULL,
  exec TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  image TEXT NOT NULL,
  runtime TEXT NOT NULL,
  started_seconds INTEGER,
  started_nanos INTEGER,
  out_of_memory INTEGER NOT NULL,
  ${REQUEST_COLUMNS},
  PRIMARY KEY (namespace, container, exec)
) STRICT, WITHOUT ROWID;
CREATE TABLE exits (
  seq INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  container TEXT NOT NULL,
  exec TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  pid INTEGER NOT NULL,
  image TEXT NOT NULL,
  runtime TEXT NOT NULL,
  started_seconds INTEGER,
  started_nanos INTEGER,
  exited_seconds INTEGER,
  exited_nanos INTEGER,
  written_seconds INTEGER NOT NULL,
  exit_status INTEGER,
  signal INTEGER,
  out_of_memory INTEGER NOT NULL,
  message TEXT NOT NULL,
  ${REQUEST_COLUMNS},
  last_lines BLOB
) STRICT;
CREATE INDEX exits_by_container ON exits (namespace, container, seq);
`,
};
