// The list of migrations and how they run: in order, forward only, each with its version number in one transaction.
import { randomUUID } from "node:crypto";
import type Sqlite from "better-sqlite3";
import { failedPrecondition } from "../../api/core/errors.js";
import { init } from "./0001-init.js";
import { toldProcesses } from "./0002-told-processes.js";
import { images } from "./0003-images.js";
import { exits } from "./0004-exits.js";
import type { Migration } from "./migration.js";

export const MIGRATIONS: readonly Migration[] = [init, toldProcesses, images, exits];

/** "brth" in ASCII, in the header of every file of ours, so that `file` and we can tell. */
export const APPLICATION_ID = 0x62727468;

const numberPragma = (connection: Sqlite.Database, name: string): number =>
  Number(connection.pragma(name, { simple: true }));

/**
 * Brings the file to the newest version.
 * @throws failed_precondition for a file of another program, or one that a newer version has written.
 */
export function migrate(connection: Sqlite.Database, migrations: readonly Migration[] = MIGRATIONS): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const found = numberPragma(connection, "user_version");
  const application = numberPragma(connection, "application_id");
  const empty = numberPragma(connection, "schema_version") === 0;
  if (application !== APPLICATION_ID && !empty) {
    throw failedPrecondition(`${connection.name} is not a metadata store of this program`);
  }
  if (found > newest) {
    throw failedPrecondition(
      `${connection.name} has schema version ${found}, this program reads up to ${newest}; use the newer program that wrote it`,
    );
  }
  connection.function("new_uuid", () => randomUUID());
  for (const migration of migrations) {
    if (migration.version <= found) continue;
    connection
      .transaction(() => {
        connection.exec(migration.sql);
        connection.pragma(`application_id = ${APPLICATION_ID}`);
        connection.pragma(`user_version = ${migration.version}`);
      })
      .immediate();
  }
}
