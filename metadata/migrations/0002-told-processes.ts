// Remembers what the ledger has told of each process. Drawn and explained in ../schema.ts.
import type { Migration } from "./migration.js";

export const toldProcesses: Migration = {
  version: 2,
  name: "told-processes",
  sql: `
CREATE TABLE told_processes (
  namespace TEXT NOT NULL,
  container TEXT NOT NULL,
  id TEXT NOT NULL,
  pid INTEGER NOT NULL,
  told INTEGER NOT NULL,
  closed_seconds INTEGER,
  PRIMARY KEY (namespace, container, id, pid)
) STRICT, WITHOUT ROWID;
CREATE INDEX told_processes_closed ON told_processes (closed_seconds) WHERE closed_seconds IS NOT NULL;
`,
};
