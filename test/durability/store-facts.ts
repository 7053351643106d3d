// Looks into a database file without the store's own code: whether it is sound, which facts it holds, and whether its ledger and
// its tables tell the same story.

import { openSqlite } from "../../metadata/sqlite.js";
import { type Fact, factsIn } from "./load.js";

export interface StoreFacts {
  readonly facts: ReadonlySet<Fact>;
  /** What is wrong with it, one line each; empty is sound. */
  readonly faults: readonly string[];
}

/** Opens a copy nobody else has open; what its WAL holds is recovered by that. */
export function readStoreFacts(path: string): StoreFacts {
  const db = openSqlite(path, { fileMustExist: true });
  try {
    const column = (sql: string): unknown[] => db.prepare(sql).pluck().all();
    const faults = column("PRAGMA integrity_check")
      .filter((line) => line !== "ok")
      .map(String);
    if (column("PRAGMA foreign_key_check").length > 0) faults.push("a row refers to one that is not there");
    const events = new Set(db.prepare<[], Uint8Array>("SELECT envelope FROM events").pluck().all().flatMap(factsIn));
    const live = new Set(column("SELECT id FROM containers").map(String));
    const labelled = new Set(column("SELECT id FROM container_labels WHERE key = 'mark'").map(String));
    for (const id of live) if (!events.has(`create ${id}`)) faults.push(`container ${id} without its create event`);
    for (const id of live) if (events.has(`delete ${id}`)) faults.push(`container ${id} in spite of its delete event`);
    for (const id of labelled) if (!events.has(`update ${id}`)) faults.push(`label of ${id} without its update event`);
    for (const fact of events) {
      const [verb, id = ""] = fact.split(" ");
      const isGone = events.has(`delete ${id}`);
      if (verb === "create" && !isGone && !live.has(id)) faults.push(`create event of ${id} without a container`);
      if (verb === "update" && !isGone && !labelled.has(id)) faults.push(`update event of ${id} without its label`);
    }
    const unlike = `SELECT c.id FROM containers c WHERE c.revision NOT IN (SELECT e.revision FROM events e)`;
    for (const id of column(unlike)) faults.push(`the revision of container ${id} is that of no event`);
    const behind = "SELECT count(*) FROM events WHERE revision > (SELECT revision FROM meta)";
    if (column(behind)[0] !== 0) faults.push("an event of a revision that the store has not reached");
    const leases = column("SELECT id FROM leases").map((id) => `lease ${id}`);
    return { facts: new Set([...events, ...leases]), faults };
  } finally {
    db.close();
  }
}
