// Which of the two libraries this Node gets: the older one aborts newer Nodes when they collect what it has made.
import { expect, test } from "vitest";
import { openSqlite, SQLITE_MODULE } from "./sqlite.js";

test("from Node 22 on it is the one that is built on Node-API", () => {
  const isNewer = Number.parseInt(process.versions.node, 10) >= 22;
  expect(SQLITE_MODULE).toContain(isNewer ? "/better-sqlite3-napi/" : "/better-sqlite3/");
  const connection = openSqlite(":memory:");
  expect(connection.prepare("SELECT 1 AS one").get()).toEqual({ one: 1 });
  connection.close();
});
