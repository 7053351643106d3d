import { join } from "node:path";
import type Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { tempDir } from "../../test/helpers/temp.js";
import { TABLES } from "../schema.js";
import { openSqlite } from "../sqlite.js";
import { MIGRATIONS, migrate } from "./index.js";

let scope: DisposeScope;
let connection: Sqlite.Database;

beforeEach(async () => {
  scope = new DisposeScope();
  const path = join(await tempDir(scope), "db");
  connection = openSqlite(path);
  scope.defer(() => connection.close());
});

afterEach(() => scope[Symbol.asyncDispose]());

const version = () => connection.pragma("user_version", { simple: true });
const tables = () =>
  connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").pluck().all();

test("versions are numbered without a hole", () => {
  expect(MIGRATIONS.map(({ version: number }) => number)).toEqual(MIGRATIONS.map((_, index) => index + 1));
});

test("together they make the tables that the drawing shows, all of them STRICT", () => {
  migrate(connection);
  expect(version()).toBe(MIGRATIONS.length);
  expect(tables()).toEqual([...TABLES]);
  const loose = connection
    .prepare(
      "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
    )
    .pluck()
    .all();
  expect(loose).toEqual([]);
  expect(connection.prepare("SELECT count(*) FROM meta").pluck().get()).toBe(1);
});

test("0002-told-processes begins with nothing told and leaves the ledger as it is", () => {
  migrate(connection, MIGRATIONS.slice(0, 1));
  connection.exec(
    "INSERT INTO events (namespace, topic, time_seconds, time_nanos, written_seconds, revision, envelope) VALUES ('ns', '/tasks/exit', 1, 2, 3, 4, x'00')",
  );
  migrate(connection, MIGRATIONS.slice(0, 2));
  expect(version()).toBe(2);
  expect(connection.prepare("SELECT topic, revision FROM events").all()).toEqual([
    { topic: "/tasks/exit", revision: 4 },
  ]);
  expect(connection.prepare("SELECT count(*) FROM told_processes").pluck().get()).toBe(0);
});

test("a second run changes nothing", () => {
  migrate(connection);
  const id = connection.prepare("SELECT store_id FROM meta").pluck().get();
  migrate(connection);
  expect(connection.prepare("SELECT store_id FROM meta").pluck().get()).toBe(id);
});

test("only what is missing runs, in order", () => {
  const first = { version: 1, name: "first", sql: "CREATE TABLE a (x)" };
  const second = { version: 2, name: "second", sql: "CREATE TABLE b (x); INSERT INTO b SELECT count(*) FROM a" };
  migrate(connection, [first]);
  migrate(connection, [first, second]);
  expect(version()).toBe(2);
  expect(tables()).toEqual(["a", "b"]);
});

test("a migration that fails leaves the version before it, whole", () => {
  const good = { version: 1, name: "good", sql: "CREATE TABLE a (x)" };
  const bad = { version: 2, name: "bad", sql: "CREATE TABLE b (x); CREATE TABLE a (x)" };
  expect(() => migrate(connection, [good, bad])).toThrow("table a already exists");
  expect(version()).toBe(1);
  expect(tables()).toEqual(["a"]);
});

test("a file of a newer program is refused", () => {
  migrate(connection);
  connection.pragma("user_version = 99");
  expect(() => migrate(connection)).toThrow(
    `${connection.name} has schema version 99, this program reads up to ${MIGRATIONS.length}; use the newer program that wrote it: failed precondition`,
  );
});

test("a file of another program is refused", () => {
  connection.exec("CREATE TABLE theirs (x)");
  expect(() => migrate(connection)).toThrow("is not a metadata store of this program");
  expect(tables()).toEqual(["theirs"]);
});
