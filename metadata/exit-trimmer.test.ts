import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import { tempDir } from "../test/helpers/temp.js";
import { type Database, openDatabase } from "./db.js";
import { type ExitRetention, ExitTrimmer } from "./exit-trimmer.js";

const INSERT = `INSERT INTO exits (seq, namespace, container, exec, attempt, pid, image, runtime, written_seconds, out_of_memory, message)
  VALUES (?, 'ns', ?, '', 1, 1, '', '', ?, 0, '')`;
const ATTEMPT =
  "INSERT INTO attempts (namespace, container, exec, attempt, image, runtime, out_of_memory) VALUES ('ns', ?, '', 1, '', '', 0)";
const TOLD = "INSERT INTO told_processes (namespace, container, id, pid, told) VALUES ('ns', ?, '', 1, 1)";

let scope: DisposeScope;
let db: Database;

beforeEach(async () => {
  scope = new DisposeScope();
  db = scope.use(await openDatabase({ root: join(await tempDir(scope), "root") }));
});
afterEach(() => scope[Symbol.asyncDispose]());

/** Ends of containers `c1`, `c2`, …, a second apart. */
const fill = (count: number) =>
  db.update((tx) => {
    for (let seq = 1; seq <= count; seq += 1) {
      tx.run(INSERT, seq, `c${seq}`, seq);
      tx.run(ATTEMPT, `c${seq}`);
    }
  });

async function trimmed(retention: ExitRetention, nowSeconds = 0n): Promise<number[]> {
  await using trimmer = new ExitTrimmer({ db, retention, clock: () => nowSeconds * 1_000_000_000n });
  await trimmer.trim();
  return db.view((reader) => reader.column<number>("SELECT seq FROM exits ORDER BY seq"));
}
const containers = () =>
  db.view((reader) => reader.column<string>("SELECT container FROM attempts ORDER BY container"));

test("keeps so many, and what is known of their containers", async () => {
  await fill(1_203);
  expect(await trimmed({ maxRecords: 3 })).toEqual([1_201, 1_202, 1_203]);
  expect(containers()).toEqual(["c1201", "c1202", "c1203"]);
});

test("forgets those beyond an age", async () => {
  await fill(10);
  expect(await trimmed({ maxAgeMs: 4_000 }, 11n)).toEqual([7, 8, 9, 10]);
  expect(await trimmed({ maxAgeMs: 4_000 }, 1_000n)).toEqual([]);
  expect(await trimmed({})).toEqual([]);
});

test("keeps count of a container whose task has not ended", async () => {
  await fill(2);
  await db.update((tx) => tx.run(TOLD, "c1"));
  expect(await trimmed({ maxAgeMs: 0 }, 1_000n)).toEqual([]);
  expect(containers()).toEqual(["c1"]);
});
