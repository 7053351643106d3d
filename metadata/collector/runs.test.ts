// Runs of the collector: who waits for which, what fails, and what goes on meanwhile.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { failure } from "../../test/conformance/failure.js";
import { ONLY_WHEN_ASKED } from "../../test/helpers/metadata.js";
import { tempDir } from "../../test/helpers/temp.js";
import { until } from "../../test/helpers/until.js";
import { type Database, openDatabase } from "../db.js";
import { createLeaseStore } from "../leases.js";
import { type CleanableBackend, SqliteCollector } from "./collector.js";
import type { CollectorPolicyConfig } from "./policy.js";

const ctx = { namespace: "runs" };

/** A backend whose cleanups end when the test says so. */
class HeldBackend implements CleanableBackend {
  readonly name = "content";
  readonly ends: ((error?: Error) => void)[] = [];

  cleanup(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.ends.push((error) => (error === undefined ? resolve(7) : reject(error)));
    });
  }

  async endNext(error?: Error): Promise<void> {
    (await until("a cleanup", () => this.ends.shift()))(error);
  }
}

let scope: DisposeScope;
let db: Database;
let backend: HeldBackend;

beforeEach(async () => {
  scope = new DisposeScope();
  db = scope.use(await openDatabase({ root: await tempDir(scope) }));
  backend = new HeldBackend();
});
afterEach(() => scope[Symbol.asyncDispose]());

const start = (policy: Partial<CollectorPolicyConfig> = {}) =>
  scope.use(new SqliteCollector({ db, backends: [backend], policy: { ...ONLY_WHEN_ASKED, ...policy } }));

const remove = (backendName?: string) =>
  db.update((tx) => {
    tx.noteChange();
    tx.noteGarbage(backendName);
  });

describe("those who wait", () => {
  test("share a run that begins after they asked, and hear when its bytes are freed", async () => {
    const collector = start();
    const first = collector.collect();
    await until("the first run", () => backend.ends.length === 1);
    await remove("content");
    let haveHeard = 0;
    const later = [1, 2, 3].map(async () => {
      const report = await collector.collect();
      haveHeard += 1;
      return report;
    });
    await backend.endNext();
    expect((await first).freedBytes).toBe(7);
    expect(haveHeard).toBe(0);
    await backend.endNext();
    expect((await Promise.all(later)).map(({ freedBytes }) => freedBytes)).toEqual([7, 7, 7]);
    expect(backend.ends).toEqual([]);
  });

  test("may lose patience, and the others hear all the same", async () => {
    const collector = start();
    const ending = new AbortController();
    const impatient = collector.collect({ signal: ending.signal });
    const patient = collector.collect();
    ending.abort(new Error("enough"));
    expect(await failure(impatient)).toContain("enough");
    expect(await failure(collector.collect({ signal: ending.signal }))).toContain("enough");
    await backend.endNext();
    await patient;
  });

  test("hear when the collector stops", async () => {
    const collector = start();
    const running = collector.collect();
    await until("the run", () => backend.ends.length === 1);
    const waiting = failure(collector.collect());
    const stopping = collector[Symbol.asyncDispose]();
    await backend.endNext();
    await Promise.all([running, stopping]);
    expect(await waiting).toBe("unavailable: the collector has stopped: unavailable");
    expect(await failure(collector.collect())).toBe("unavailable: the collector has stopped: unavailable");
  });
});

test("a backend that was cleaned is left alone until something in it is removed", async () => {
  const collector = start();
  for (const freedBytes of [7, 0]) {
    const run = collector.collect();
    if (freedBytes > 0) await backend.endNext();
    expect((await run).freedBytes).toBe(freedBytes);
  }
  await remove();
  expect((await collector.collect()).freedBytes).toBe(0);
  await remove("content");
  const run = collector.collect();
  await backend.endNext();
  expect((await run).freedBytes).toBe(7);
});

test("a cleanup that fails lets the run succeed, and is made again by the next one", async () => {
  const collector = start();
  const failing = collector.collect();
  await backend.endNext(new Error("EIO"));
  expect((await failing).freedBytes).toBe(0);
  const next = collector.collect();
  await backend.endNext();
  expect((await next).freedBytes).toBe(7);
});

test("a run that fails changes nothing, tells those who wait, and the next one succeeds", async () => {
  const collector = start();
  const leases = createLeaseStore(db, { collect: (signal) => collector.collect({ signal }) });
  await leases.create(ctx, { id: "old", labels: { "containerd.io/gc.expire": "2001-01-01T00:00:00Z" } });
  await leases.create(ctx, { id: "l" });
  await db.update((tx) =>
    tx.run("CREATE TRIGGER wrong BEFORE DELETE ON leases WHEN OLD.id = 'old' BEGIN SELECT RAISE(FAIL, 'wrong'); END"),
  );
  expect(await failure(leases.delete(ctx, "l", { sync: true }))).toBe("unknown: gc failed");
  expect((await leases.list(ctx)).map(({ id }) => id)).toEqual(["old"]);
  expect(backend.ends).toEqual([]);
  await db.update((tx) => tx.run("DROP TRIGGER wrong"));
  const run = collector.collect();
  await backend.endNext();
  expect((await run).removed.map(({ key }) => key)).toEqual(["old"]);
});

test("a delete of what is not there causes no run", async () => {
  const collector = start({ deletionThreshold: 1 });
  const leases = createLeaseStore(db, { collect: (signal) => collector.collect({ signal }) });
  expect(await failure(leases.delete(ctx, "nope", { sync: true }))).toMatch(/^not_found/);
  expect(backend.ends).toEqual([]);
});

test("by itself it runs when something was deleted, and what is written meanwhile stays", async () => {
  start({ deletionThreshold: 0, pauseThreshold: 0.5 });
  const leases = createLeaseStore(db, { collect: async () => {} });
  await leases.create(ctx, { id: "old", labels: { "containerd.io/gc.expire": "2001-01-01T00:00:00Z" } });
  await leases.create(ctx, { id: "gone" });
  const writing = Promise.all(Array.from({ length: 50 }, (_, index) => leases.create(ctx, { id: `l${index}` })));
  await leases.delete(ctx, "gone");
  await until("the expired one to go", async () => !(await leases.list(ctx)).some(({ id }) => id === "old"));
  await writing;
  await backend.endNext();
  expect(await leases.list(ctx)).toHaveLength(50);
});
