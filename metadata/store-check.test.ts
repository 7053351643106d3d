import { join } from "node:path";
import type Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import { temporaryMetadata } from "../test/helpers/metadata.js";
import { tempDir } from "../test/helpers/temp.js";
import { openSqlite } from "./sqlite.js";
import { storeExaminer } from "./store-check.js";

let scope: DisposeScope;
let root: string;
let path: string;

beforeEach(async () => {
  scope = new DisposeScope();
  root = await tempDir(scope);
  path = join(root, "metadata.db");
});
afterEach(() => scope[Symbol.asyncDispose]());

async function complaints(): Promise<string[]> {
  const found: string[] = [];
  for await (const { kind, detail, subject } of storeExaminer(path).examine()) {
    expect(subject).toBe(path);
    found.push(`${kind}: ${detail}`);
  }
  return found;
}

/** Makes a store of ten namespaces, hence ten events, and closes it, so that another program may change it. */
async function makeStore(change: (db: Sqlite.Database) => void): Promise<void> {
  const store = await temporaryMetadata(scope, { root });
  for (let n = 0; n < 10; n += 1) await store.namespaces.create({}, { name: `n${n}`, labels: {} });
  await store[Symbol.asyncDispose]();
  const db = openSqlite(path);
  db.pragma("foreign_keys = OFF");
  change(db);
  db.close();
}

test("a store in use is looked over without a complaint", async () => {
  const store = await temporaryMetadata(scope, { root });
  expect(await complaints()).toEqual([]);
  await store.namespaces.create({}, { name: "n", labels: { a: "b" } });
  expect(await complaints()).toEqual([]);
});

test("events that are missing in the middle are missed", async () => {
  await makeStore((db) => db.exec("DELETE FROM events WHERE seq IN (3, 4)"));
  expect(await complaints()).toEqual(["events-missing: 2 events between 1 and 10 are gone"]);
});

test("events that were trimmed at the front are not", async () => {
  await makeStore((db) => db.exec("DELETE FROM events WHERE seq < 5"));
  expect(await complaints()).toEqual([]);
});

test("a row that refers to nothing", async () => {
  await makeStore((db) => db.exec("INSERT INTO namespace_labels (namespace, key, value) VALUES ('nowhere', 'a', 'b')"));
  expect(await complaints()).toEqual([
    "store-contradictory: a row of namespace_labels refers to one that is not there",
  ]);
});

test("an index that lacks its row", async () => {
  await makeStore((db) => {
    db.unsafeMode();
    db.pragma("writable_schema = ON");
    db.exec("DELETE FROM sqlite_schema WHERE name = 'containers_by_image'");
  });
  expect((await complaints()).join("\n")).toMatch(/^store-damaged: .*never used/s);
});
