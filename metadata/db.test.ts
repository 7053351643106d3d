import { execFile } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import { notFound } from "../api/core/errors.js";
import { failure } from "../test/conformance/failure.js";
import { tempDir } from "../test/helpers/temp.js";
import { isOlderVersion } from "./connection.js";
import { DATABASE_FILE, type Database, type DatabaseOptions, openDatabase } from "./db.js";
import { openSqlite } from "./sqlite.js";
import type { Transaction } from "./transaction.js";

const TOUCH = "INSERT INTO namespaces (name, revision) VALUES (?, 0)";

let scope: DisposeScope;
let root: string;

beforeEach(async () => {
  scope = new DisposeScope();
  root = await tempDir(scope);
});

afterEach(() => scope[Symbol.asyncDispose]());

const open = async (options: Partial<DatabaseOptions> = {}): Promise<Database> =>
  scope.use(await openDatabase({ root, onFatal: () => {}, ...options }));

const names = (db: Database) =>
  db
    .view((reader) => reader.all<{ name: string }>("SELECT name FROM namespaces ORDER BY name"))
    .map(({ name }) => name);

function writeName(tx: Transaction, name: string): number {
  tx.touchNamespace(name);
  return tx.revision;
}

describe("opening", () => {
  test("makes a private folder and file with the rules of the house", async () => {
    root = join(root, "deep", "store");
    const db = await open();
    const pragma = (name: string) => db.view((reader) => reader.get<Record<string, unknown>>(`PRAGMA ${name}`));
    expect(pragma("journal_mode")).toEqual({ journal_mode: "wal" });
    expect(pragma("synchronous")).toEqual({ synchronous: 1 });
    expect(pragma("foreign_keys")).toEqual({ foreign_keys: 1 });
    expect(pragma("auto_vacuum")).toEqual({ auto_vacuum: 2 });
    expect(pragma("wal_autocheckpoint")).toEqual({ wal_autocheckpoint: 0 });
    expect(pragma("application_id")).toEqual({ application_id: 0x62727468 });
    expect(statSync(root).mode & 0o777).toBe(0o700);
    for (const file of ["", "-wal", "-shm"]) {
      expect(statSync(join(root, DATABASE_FILE + file)).mode & 0o077, file).toBe(0);
    }
  });

  test("keeps what was committed, its id and its revision", async () => {
    const first = await openDatabase({ root });
    const before = first.storeId;
    await first.update((tx) => tx.touchNamespace("kept"));
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    expect(existsSync(join(root, `${DATABASE_FILE}-wal`))).toBe(false);
    const again = await open();
    expect(names(again)).toEqual(["kept"]);
    expect(again.storeId).toBe(before);
    expect(again.revision).toBe(1);
    expect(again.storeId).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
  });

  test("the second opener is told who holds the store, also in one process", async () => {
    const first = await openDatabase({ root });
    expect(await failure(open())).toBe(
      `failed_precondition: metadata store ${root} is in use by process ${process.pid}: failed precondition`,
    );
    await first.update((tx) => tx.touchNamespace("still works"));
    await first[Symbol.asyncDispose]();
    expect(names(await open())).toEqual(["still works"]);
  });

  test("another process is told too", async () => {
    await open();
    const module = JSON.stringify(new URL("./db.ts", import.meta.url).href);
    const script = `import(${module}).then((db) => db.openDatabase({ root: process.argv[1] })).catch((e) => console.log(e.message))`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", "-e", script, root]);
    expect(stdout).toBe(`metadata store ${root} is in use by process ${process.pid}: failed precondition\n`);
  });

  test("the lock file names its holder by pid and start time", async () => {
    await open();
    expect(readFileSync(join(root, "owner.lock"), "utf8")).toMatch(new RegExp(`^pid ${process.pid}\nstart \\d+\n$`));
  });

  test("a failure to open lets the folder go", async () => {
    const path = join(root, DATABASE_FILE);
    const foreign = openSqlite(path);
    foreign.exec("CREATE TABLE theirs (x)");
    foreign.close();
    const refused = `failed_precondition: ${path} is not a metadata store of this program: failed precondition`;
    expect(await failure(open())).toBe(refused);
    expect(await failure(open())).toBe(refused);
  });

  test.each([
    ["3.51.2", "3.51.3", true],
    ["3.9.0", "3.51.3", true],
    ["3.51.3", "3.51.3", false],
    ["3.53.0", "3.51.3", false],
    ["4.0.0", "3.51.3", false],
  ])("version %s is older than %s: %s", (version, than, older) => {
    expect(isOlderVersion(version, than)).toBe(older);
  });
});

describe("update", () => {
  test("is all or nothing", async () => {
    const db = await open();
    const work = db.update((tx) => {
      tx.touchNamespace("gone");
      throw notFound("it");
    });
    expect(await failure(work)).toBe("not_found: it: not found");
    expect(names(db)).toEqual([]);
    expect(db.revision).toBe(0);
  });

  test("runs its closure at once and refuses an asynchronous one", async () => {
    const db = await open();
    let ran = false;
    const done = db.update(() => {
      ran = true;
    });
    expect(ran).toBe(true);
    await done;
    let later: Promise<unknown> | undefined;
    const asynchronous = db.update((tx) => {
      tx.touchNamespace("early");
      later = Promise.resolve().then(() => tx.touchNamespace("late"));
      return later;
    });
    await expect(asynchronous).rejects.toThrow("a transaction must not return a promise");
    await expect(later).rejects.toThrow("the transaction has ended");
    expect(names(db)).toEqual([]);
    await db.update((tx) => tx.touchNamespace("next"));
  });

  test("counts the commits that change something", async () => {
    const db = await open();
    expect(await db.update((tx) => [tx.revision, tx.revision])).toEqual([1, 1]);
    await db.update((tx) => tx.get("SELECT 1"));
    expect(await db.update((tx) => tx.revision)).toBe(2);
    expect(db.revision).toBe(2);
    await db.update((tx) => tx.run(TOUCH, "written without asking"));
    expect(db.revision).toBe(3);
    await db.update((tx) => tx.run("DELETE FROM namespaces WHERE name = 'nobody'"));
    expect(db.revision).toBe(3);
  });

  test("SQLite's own failures get a kind", async () => {
    const db = await open();
    await db.update((tx) => tx.run(TOUCH, "n"));
    expect(await failure(db.update((tx) => tx.run(TOUCH, "n")))).toMatch(
      /^internal: metadata store: UNIQUE constraint failed/,
    );
  });

  test("after dispose everything is refused", async () => {
    const db = await open();
    await db[Symbol.asyncDispose]();
    const closed = "unavailable: metadata store is closed: unavailable";
    expect(await failure(db.update(() => {}))).toBe(closed);
    expect(() => db.view(() => {})).toThrow("metadata store is closed");
  });
});

describe("durability", () => {
  /** A disk whose syncs wait until they are let go. */
  function slowDisk() {
    const waiting: ((error: Error | null) => void)[] = [];
    let started = 0;
    return {
      fdatasync: (_fd: number, done: (error: Error | null) => void) => {
        started += 1;
        waiting.push(done);
      },
      get started() {
        return started;
      },
      end: (error: Error | null = null) => waiting.shift()?.(error),
    };
  }

  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

  test("many commits, one sync; nobody is answered before it", async () => {
    const disk = slowDisk();
    const db = await open({ fdatasync: disk.fdatasync });
    const answered: number[] = [];
    const updates = Array.from({ length: 50 }, (_, n) =>
      db.update((tx) => tx.touchNamespace(`n${n}`)).then(() => answered.push(n)),
    );
    await turn();
    await turn();
    expect(names(db)).toHaveLength(50);
    expect(answered).toEqual([]);
    disk.end();
    await Promise.all(updates);
    expect(disk.started).toBe(1);
    expect(answered).toEqual(Array.from({ length: 50 }, (_, n) => n));
  });

  test("an error waits for the pending sync, since it may tell of what is not on disk yet", async () => {
    const disk = slowDisk();
    const db = await open({ fdatasync: disk.fdatasync });
    const first = db.update((tx) => tx.touchNamespace("n"));
    let refused = false;
    const second = db
      .update((tx) => {
        if (tx.get("SELECT 1 FROM namespaces WHERE name = 'n'") !== undefined) throw notFound("room");
      })
      .catch(() => {
        refused = true;
      });
    await turn();
    await turn();
    expect(refused).toBe(false);
    disk.end();
    await Promise.all([first, second]);
    expect(refused).toBe(true);
  });

  test("a failed sync ends the store", async () => {
    const disk = slowDisk();
    const fatal: Error[] = [];
    const db = await open({ fdatasync: disk.fdatasync, onFatal: (error) => fatal.push(error) });
    const update = db.update((tx) => tx.touchNamespace("n"));
    await turn();
    disk.end(new Error("EIO"));
    const message = "internal: cannot sync the metadata store to disk: EIO: internal";
    expect(await failure(update)).toBe(message);
    expect(fatal).toHaveLength(1);
    expect(await failure(db.update(() => {}))).toBe(message);
    expect(() => db.view(() => {})).toThrow("cannot sync");
  });

  test("unless told otherwise the process then ends, with status 1 and no answer", async () => {
    const module = JSON.stringify(new URL("./db.ts", import.meta.url).href);
    const script = `import(${module}).then(async ({ openDatabase }) => {
      const fdatasync = (fd, done) => setImmediate(done, new Error("EIO"));
      const db = await openDatabase({ root: process.argv[1], fdatasync });
      await db.update((tx) => tx.touchNamespace("n"));
      console.log("answered");
    })`;
    const ended = promisify(execFile)(process.execPath, ["--import", "tsx", "-e", script, root]);
    await expect(ended).rejects.toMatchObject({ code: 1, stdout: "" });
  });

  test("dispose waits for the pending sync", async () => {
    const db = await open();
    const update = db.update((tx) => tx.touchNamespace("n"));
    await db[Symbol.asyncDispose]();
    await update;
  });
});

describe("checkpoints", () => {
  test("run in the worker, fold the WAL in and let it start over", async () => {
    const db = await open();
    await db.update((tx) => tx.touchNamespace("n"));
    const { log, checkpointed } = db.checkpointer.walSize();
    expect(log).toBeGreaterThan(checkpointed);
    const passive = await db.checkpointer.run("PASSIVE");
    expect(passive).toMatchObject({ busy: 0, log, checkpointed: log });
    await db.update((tx) => tx.touchNamespace("m"));
    expect(await db.checkpointer.run("TRIM")).toMatchObject({ busy: 0 });
    expect(db.checkpointer.walSize()).toMatchObject({ log: 1, checkpointed: 0 });
    await db.update((tx) => tx.touchNamespace("after"));
    expect(names(db)).toEqual(["after", "m", "n"]);
  });

  test("updates wait, in order, while one locks writers out; reads do not", async () => {
    const db = await open();
    await db.update((tx) => tx.touchNamespace("first"));
    const running = db.checkpointer.run("RESTART");
    const updates = [2, 3].map((n) => db.update((tx) => writeName(tx, `n${n}`)));
    expect(names(db)).toEqual(["first"]);
    expect((await running).busy).toBe(0);
    const [second = 0, third] = await Promise.all(updates);
    expect(third).toBe(second + 1);
    expect(names(db)).toEqual(["first", "n2", "n3"]);
  });

  test("free pages go back to the file system in steps", async () => {
    const db = await open();
    const pages = () => db.view((reader) => reader.get<{ page_count: number }>("PRAGMA page_count"))?.page_count ?? 0;
    await db.update((tx) => tx.run(TOUCH, "x".repeat(400_000)));
    await db.update((tx) => tx.run("DELETE FROM namespaces"));
    const before = pages();
    expect(await db.vacuumStep(1_000, 10)).toBe(false);
    expect(await db.vacuumStep(50, 10)).toBe(true);
    expect(pages()).toBe(before - 10);
  });

  test("what a killed process had committed is there", async () => {
    const module = JSON.stringify(new URL("./db.ts", import.meta.url).href);
    const script = `import(${module}).then(async ({ openDatabase }) => {
      const db = await openDatabase({ root: process.argv[1] });
      await db.update((tx) => tx.touchNamespace("survivor"));
      process.kill(process.pid, "SIGKILL");
    })`;
    const killed = promisify(execFile)(process.execPath, ["--import", "tsx", "-e", script, root]);
    await expect(killed).rejects.toMatchObject({ signal: "SIGKILL" });
    expect(names(await open())).toEqual(["survivor"]);
  });
});
