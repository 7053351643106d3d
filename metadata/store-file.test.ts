// Files that cannot be trusted: each is refused by name and stays, byte for byte, as it was found.
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import { failure } from "../test/conformance/failure.js";
import { tempDir } from "../test/helpers/temp.js";
import { DATABASE_FILE, type Database, openDatabase } from "./db.js";
import { openSqlite } from "./sqlite.js";

const TOUCH = "INSERT INTO namespaces (name, revision) VALUES (?, 0)";
const KEPT = "it was left as it is, move it away to begin anew: data loss";

let scope: DisposeScope;
let root: string;
let path: string;

beforeEach(async () => {
  scope = new DisposeScope();
  root = join(await tempDir(scope), "store");
  mkdirSync(root);
  path = join(root, DATABASE_FILE);
});

afterEach(() => scope[Symbol.asyncDispose]());

const open = async (): Promise<Database> => scope.use(await openDatabase({ root, onFatal: () => {} }));

const fill = (db: Database, from: number, count: number) =>
  Promise.all(
    Array.from({ length: count }, (_, n) => db.update((tx) => tx.run(TOUCH, `${from + n} ${"x".repeat(1_000)}`))),
  );

const countIn = (db: Database) =>
  db.view((reader) => reader.get<{ count: number }>("SELECT count(*) AS count FROM namespaces"))?.count;

/** A store with some rows, closed in order. */
async function cleanStore(): Promise<void> {
  const db = await openDatabase({ root });
  await fill(db, 0, 100);
  await db[Symbol.asyncDispose]();
}

/** The same as a killed process leaves it: half of the rows in the file, the others in the WAL. */
async function uncleanStore(): Promise<void> {
  const db = await openDatabase({ root });
  await fill(db, 0, 100);
  await db.checkpointer.run("PASSIVE");
  await fill(db, 100, 100);
  const copy = join(root, "..", "copy");
  mkdirSync(copy);
  for (const name of [DATABASE_FILE, `${DATABASE_FILE}-wal`]) copyFileSync(join(root, name), join(copy, name));
  await db[Symbol.asyncDispose]();
  for (const name of readdirSync(copy)) renameSync(join(copy, name), join(root, name));
}

/** Overwrites pages in the middle of a file, which hold rows. */
function scribble(file: string): void {
  const bytes = readFileSync(file);
  bytes.fill(0x5a, 5 * 4096, bytes.length - 4096);
  writeFileSync(file, bytes);
}

/** What the store consists of; the index of the WAL is made anew at each opening. */
function contents(): Record<string, string> {
  const names = readdirSync(root).filter((name) => name.startsWith(DATABASE_FILE) && !name.endsWith("-shm"));
  const digest = (name: string) =>
    createHash("sha256")
      .update(readFileSync(join(root, name)))
      .digest("hex");
  return Object.fromEntries(names.map((name) => [name, digest(name)]));
}

async function expectRefused(message: string | RegExp): Promise<void> {
  const before = contents();
  for (const _attempt of [1, 2]) {
    expect(await failure(open())).toMatch(message);
    expect(contents()).toEqual(before);
  }
}

const exactly = (text: string) => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);

describe("a store that is sound", () => {
  test("opens after an orderly stop", async () => {
    await cleanStore();
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(countIn(await open())).toBe(100);
  });

  test("opens after an unclean stop, with all that its WAL holds", async () => {
    await uncleanStore();
    expect(countIn(await open())).toBe(200);
  });

  test("is made anew where making one was cut off", async () => {
    writeFileSync(`${path}.new`, "half");
    writeFileSync(`${path}.new-wal`, "half");
    expect(countIn(await open())).toBe(0);
    expect(readdirSync(root).filter((name) => name.includes(".new"))).toEqual([]);
  });
});

describe("a store that is not", () => {
  test("an empty file", async () => {
    writeFileSync(path, "");
    await expectRefused(exactly(`data_loss: metadata store ${path} is empty; ${KEPT}`));
  });

  test("no database", async () => {
    writeFileSync(path, "These are my notes.\n".repeat(500));
    await expectRefused(exactly(`data_loss: metadata store ${path} is no database; ${KEPT}`));
  });

  test("a file cut short within its first page", async () => {
    await cleanStore();
    truncateSync(path, 60);
    await expectRefused(exactly(`data_loss: metadata store ${path} is no database; ${KEPT}`));
  });

  test("a file cut short, after an orderly stop", async () => {
    await cleanStore();
    truncateSync(path, 5 * 4096);
    await expectRefused(
      new RegExp(`^data_loss: metadata store ${path} is cut short, at 20480 of \\d+ bytes; ${KEPT}$`),
    );
  });

  test("a file cut short, after an unclean stop", async () => {
    await uncleanStore();
    truncateSync(path, 5 * 4096);
    await expectRefused(new RegExp(`^data_loss: metadata store ${path} is damaged: .*; ${KEPT}$`, "s"));
  });

  test("overwritten pages, after an unclean stop", async () => {
    await uncleanStore();
    scribble(path);
    await expectRefused(new RegExp(`^data_loss: metadata store ${path} is damaged: .*; ${KEPT}$`, "s"));
  });

  test("a WAL without its file", async () => {
    await uncleanStore();
    renameSync(path, join(root, "..", "lost"));
    await expectRefused(exactly(`data_loss: metadata store ${path} is missing, but ${path}-wal is there; ${KEPT}`));
  });

  test("a database of another program, which stays in its own journal mode", async () => {
    const foreign = openSqlite(path);
    foreign.pragma("application_id = 7");
    foreign.exec("CREATE TABLE theirs (x)");
    foreign.close();
    await expectRefused(
      exactly(`failed_precondition: ${path} is not a metadata store of this program: failed precondition`),
    );
  });
});
