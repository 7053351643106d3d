import { statSync } from "node:fs";
import { join } from "node:path";
import type Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import { silentLogger } from "../api/core/log.js";
import { tempDir } from "../test/helpers/temp.js";
import { until } from "../test/helpers/until.js";
import { Checkpointer, type CheckpointerOptions } from "./checkpointer.js";
import { openSqlite } from "./sqlite.js";

const NEVER_MS = 2_000_000_000;

let scope: DisposeScope;
let path: string;
let connection: Sqlite.Database;

beforeEach(async () => {
  scope = new DisposeScope();
  path = join(await tempDir(scope), "db");
  connection = openSqlite(path);
  scope.defer(() => connection.close());
  for (const pragma of ["journal_mode = WAL", "synchronous = NORMAL", "wal_autocheckpoint = 0"])
    connection.pragma(pragma);
  connection.exec("CREATE TABLE t (x)");
});

afterEach(() => scope[Symbol.asyncDispose]());

const open = (options: Partial<CheckpointerOptions>) =>
  scope.use(new Checkpointer({ connection, path, log: silentLogger, quietMs: NEVER_MS, idleMs: NEVER_MS, ...options }));

function write(checkpointer: Checkpointer): void {
  connection.prepare("INSERT INTO t VALUES (?)").run("x".repeat(20_000));
  checkpointer.noteCommit();
}

test("a pause in writing folds the WAL in", async () => {
  const checkpointer = open({ quietMs: 10 });
  for (let n = 0; n < 5; n += 1) write(checkpointer);
  await until("a checkpoint", () => checkpointer.walSize().checkpointed === checkpointer.walSize().log);
  expect(checkpointer.walSize().log).toBeGreaterThan(20);
});

test("a backlog folds the WAL in amid writing", async () => {
  const checkpointer = open({ backlogPages: 50 });
  for (let n = 0; n < 64; n += 1) write(checkpointer);
  await until("a checkpoint", () => checkpointer.walSize().checkpointed > 50);
});

test("a WAL beyond its limit starts over although writing never pauses", async () => {
  const checkpointer = open({ backlogPages: 50, limitPages: 400 });
  let longest = 0;
  await until("the WAL to start over", () => {
    for (let n = 0; n < 64; n += 1) write(checkpointer);
    const { log } = checkpointer.walSize();
    const startedOver = log < longest;
    longest = Math.max(longest, log);
    return startedOver;
  });
});

test("whoever would write while a checkpoint locks writers out is told when it is over", async () => {
  const checkpointer = open({});
  write(checkpointer);
  expect(checkpointer.writable).toBeUndefined();
  const running = checkpointer.run("RESTART");
  const { writable } = checkpointer;
  expect(writable).toBeInstanceOf(Promise);
  expect(await running).toMatchObject({ busy: 0 });
  await writable;
  expect(checkpointer.writable).toBeUndefined();
  // The worker has begun the new WAL: nobody here has to sync its header.
  expect(checkpointer.walSize()).toMatchObject({ log: 1, checkpointed: 0 });
});

test("a WAL that is all folded in goes on from where it is: no commit here begins a new one", async () => {
  const checkpointer = open({});
  for (let n = 0; n < 3; n += 1) {
    write(checkpointer);
    // The second one finds nothing to do, and must not loosen the hold.
    for (let times = 0; times < 2; times += 1) {
      const { log, checkpointed } = await checkpointer.run("PASSIVE");
      expect(checkpointed).toBe(log);
    }
    const before = checkpointer.walSize().log;
    write(checkpointer);
    expect(checkpointer.walSize().log).toBeGreaterThan(before);
  }
});

test("a WAL that has become long enough starts over, and keeps its file", async () => {
  const checkpointer = open({ quietMs: 10, enoughPages: 20 });
  for (let n = 0; n < 5; n += 1) write(checkpointer);
  const size = statSync(`${path}-wal`).size;
  await until("the WAL to start over", () => checkpointer.walSize().log === 1);
  expect(statSync(`${path}-wal`).size).toBe(size);
});

test("a long pause cuts the file to what is kept and ends the worker; the next pause starts one again", async () => {
  const keepBytes = 50_000;
  const checkpointer = open({ idleMs: 10, keepBytes });
  const size = () => statSync(`${path}-wal`).size;
  for (let round = 0; round < 2; round += 1) {
    for (let n = 0; n < 5; n += 1) write(checkpointer);
    expect(size()).toBeGreaterThan(keepBytes);
    await until("the WAL to be cut", () => size() <= keepBytes);
    expect(size()).toBe(keepBytes);
  }
  expect(connection.prepare("SELECT count(*) FROM t").pluck().get()).toBe(10);
});

test("dispose ends it at any moment, also twice", async () => {
  const checkpointer = open({});
  write(checkpointer);
  const running = checkpointer.run("PASSIVE");
  await checkpointer[Symbol.asyncDispose]();
  expect((await running).log).toBeGreaterThan(0);
  await checkpointer[Symbol.asyncDispose]();
  checkpointer.noteCommit();
});
