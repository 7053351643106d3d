import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import type { LedgerEvent } from "../api/core/event.js";
import { failure } from "../test/conformance/failure.js";
import { tempDir } from "../test/helpers/temp.js";
import { until } from "../test/helpers/until.js";
import { type Database, openDatabase } from "./db.js";
import { SqliteEventLedger } from "./ledger.js";
import { type LedgerRetention, LedgerTrimmer } from "./ledger-trimmer.js";

const HOUR_MS = 3_600_000;

let scope: DisposeScope;
let db: Database;
let ledger: SqliteEventLedger;
let nowMs: number;
const clock = () => BigInt(nowMs) * 1_000_000n;

beforeEach(async () => {
  scope = new DisposeScope();
  nowMs = 1_700_000_000_000;
  db = scope.use(await openDatabase({ root: await tempDir(scope), clock, onFatal: () => {} }));
  ledger = scope.use(new SqliteEventLedger(db));
});

afterEach(() => scope[Symbol.asyncDispose]());

const trimmer = (retention: LedgerRetention, intervalMs = HOUR_MS) =>
  scope.use(new LedgerTrimmer({ db, ledger, clock, retention, intervalMs }));

const append = (count: number) =>
  ledger.append(
    Array.from({ length: count }, () => ({ timestampNs: undefined, namespace: "ns", topic: "/t", event: undefined })),
  );

const kept = () =>
  db.view((reader) =>
    reader.get<{ first: number | null; count: number }>("SELECT min(seq) AS first, count(*) AS count FROM events"),
  );

const next = (events: AsyncIterable<LedgerEvent>) => events[Symbol.asyncIterator]().next();

test("keeps so many, in steps", async () => {
  await append(2_500);
  const trim = trimmer({ maxEvents: 100 });
  expect(await trim.step()).toBe(true);
  expect(kept()).toEqual({ first: 1_001, count: 1_500 });
  await trim.trim();
  expect(kept()).toEqual({ first: 2_401, count: 100 });
});

test("keeps what is young, and the numbers go on when nothing is left", async () => {
  await append(3);
  nowMs += 2 * HOUR_MS;
  const trim = trimmer({ maxAgeMs: HOUR_MS });
  await append(2);
  await trim.trim();
  expect(kept()).toEqual({ first: 4, count: 2 });
  nowMs += 2 * HOUR_MS;
  await trim.trim();
  expect(kept()).toEqual({ first: null, count: 0 });
  const events = ledger.subscribe();
  await append(1);
  expect((await next(events)).value).toMatchObject({ seq: 6n });
});

test("forgets many old ones, however many, and no young one", async () => {
  await append(2_300);
  nowMs += 2 * HOUR_MS;
  await append(300);
  await trimmer({ maxAgeMs: HOUR_MS }).trim();
  expect(kept()).toEqual({ first: 2_301, count: 300 });
});

test("keeps what an open subscription has not read, up to the hard limit", async () => {
  const events = ledger.subscribe()[Symbol.asyncIterator]();
  await append(50);
  const trim = trimmer({ maxEvents: 10, hardMaxEvents: 40 });
  await trim.trim();
  expect(kept()).toEqual({ first: 11, count: 40 });
  await append(60);
  await trim.trim();
  expect(kept()).toEqual({ first: 71, count: 40 });
  await events.return?.();
  await trim.trim();
  expect(kept()).toEqual({ first: 101, count: 10 });
});

test("a position whose events are gone is refused, not skipped over", async () => {
  await append(20);
  await trimmer({ maxEvents: 5 }).trim();
  expect(() => ledger.subscribe({ after: 3n })).toThrow(
    "events behind 3 are gone: the ledger begins at 16: out of range",
  );
  expect((await next(ledger.subscribe({ after: 15n }))).value).toMatchObject({ seq: 16n });
});

test("a subscription that fell behind the hard limit is told", async () => {
  // Events too large for the memory of recent ones, so that the reader depends on the rows.
  const events = ledger.subscribe();
  const event = { typeUrl: "x", value: Buffer.alloc(1024 * 1024) };
  for (let n = 0; n < 12; n += 1) {
    await ledger.append([{ timestampNs: undefined, namespace: "ns", topic: "/t", event }]);
  }
  await trimmer({ maxEvents: 1, hardMaxEvents: 4 }).trim();
  expect(await failure(next(events))).toBe(
    "out_of_range: events behind 0 are gone: the ledger begins at 9: out of range",
  );
});

test("runs by itself when nobody writes", async () => {
  await append(20);
  trimmer({ maxEvents: 5 }, 10);
  await until("the ledger to be trimmed", () => kept()?.count === 5);
});

test("does not wait for a pause when there is far too much", async () => {
  trimmer({ maxEvents: 100 }, 10);
  await append(1_000);
  while ((kept()?.count ?? 0) >= 200) await append(1);
});
