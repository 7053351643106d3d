// Forgets old events, in small steps while nobody writes: beyond a count, or beyond an age. What an open subscription has not
// read yet stays, up to a hard limit; and pages that became free go back to the file system.
import { type Logger, silentLogger } from "../api/core/log.js";
import { type Clock, systemClock } from "../api/core/time.js";
import type { Database } from "./db.js";
import type { SqliteEventLedger } from "./ledger.js";
import { StepLoop } from "./step-loop.js";

/** How much of the event ledger is kept; all optional. Old events go in small steps, some time after they may. */
export interface LedgerRetention {
  /** Events kept. Default: 100000. */
  readonly maxEvents?: number;
  /** Age in milliseconds at which an event goes. Default: 7 days. */
  readonly maxAgeMs?: number;
  /** Events kept for a subscriber that does not read; behind that it misses some and is told so. Default: 1000000. */
  readonly hardMaxEvents?: number;
}

export interface LedgerTrimmerOptions {
  readonly db: Database;
  readonly ledger: SqliteEventLedger;
  readonly clock?: Clock | undefined;
  readonly log?: Logger | undefined;
  readonly retention?: LedgerRetention | undefined;
  /** Time between looks, in milliseconds. Default: 10000. */
  readonly intervalMs?: number | undefined;
}

const STEP_EVENTS = 1_000;
const STEP_PAGES = 256;
/** Free pages that are worth giving back. */
const FREE_PAGES = 1_024;
/** How far beyond the count the ledger may grow before a pause in writing is no longer waited for. */
const URGENT_FACTOR = 1.2;
const WEEK_MS = 7 * 24 * 3_600 * 1_000;
const YOUNG = "SELECT seq FROM events WHERE seq >= ? AND written_seconds >= ? ORDER BY seq LIMIT 1";
const WRITTEN = "SELECT written_seconds AS seconds FROM events WHERE seq = ?";
const DELETE = "DELETE FROM events WHERE seq < ?";

const smaller = (a: bigint, b: bigint): bigint => (a < b ? a : b);
const larger = (a: bigint, b: bigint): bigint => (a > b ? a : b);

/** Looks at a ledger again and again, and trims it. Dispose it before its database. */
export class LedgerTrimmer implements AsyncDisposable {
  readonly #db: Database;
  readonly #ledger: SqliteEventLedger;
  readonly #clock: Clock;
  readonly #retention: Required<LedgerRetention>;
  readonly #loop: StepLoop;
  #revision = -1;

  constructor(options: LedgerTrimmerOptions) {
    this.#db = options.db;
    this.#ledger = options.ledger;
    this.#clock = options.clock ?? systemClock;
    this.#retention = { maxEvents: 100_000, maxAgeMs: WEEK_MS, hardMaxEvents: 1_000_000, ...options.retention };
    const { log = silentLogger, intervalMs = 10_000 } = options;
    this.#loop = new StepLoop({
      step: () => this.step(),
      intervalMs,
      isTime: () => this.#isTime(),
      onFailure: (err) => log.warn({ err }, "trimming the event ledger failed"),
    });
  }

  /** Trims until there is nothing to trim. */
  async trim(): Promise<void> {
    await this.#loop.run();
  }

  /** One small transaction. Resolves with whether there may be more to do. */
  async step(): Promise<boolean> {
    const keepFrom = this.#keepFrom();
    const { first } = this.#ledger.bounds;
    if (keepFrom > first) {
      const upTo = smaller(keepFrom, first + BigInt(STEP_EVENTS));
      await this.#db.update((tx) => tx.run(DELETE, upTo), { evenWhenFull: true, bookkeeping: true });
      this.#ledger.trimmed(upTo);
      return true;
    }
    return this.#db.vacuumStep(FREE_PAGES, STEP_PAGES);
  }

  /** The first event to stay. */
  #keepFrom(): bigint {
    const { first, last } = this.#ledger.bounds;
    const { maxEvents, hardMaxEvents } = this.#retention;
    const byCount = last + 1n - BigInt(maxEvents);
    const byAge = this.#firstYoung(first, last);
    const wanted = smaller(larger(byCount, byAge), this.#ledger.slowest + 1n);
    return larger(wanted, last + 1n - BigInt(hardMaxEvents));
  }

  /** The first event younger than the age limit, as far as one step needs to know: rows are in the order of their time. */
  #firstYoung(first: bigint, last: bigint): bigint {
    const limit = this.#clock() / 1_000_000_000n - BigInt(Math.floor(this.#retention.maxAgeMs / 1_000));
    const ahead = smaller(first + BigInt(STEP_EVENTS), last);
    return this.#db.view((reader) => {
      const isOld = (seq: bigint) => {
        const row = reader.get<{ seconds: number }>(WRITTEN, seq);
        return row !== undefined && BigInt(row.seconds) < limit;
      };
      if (!isOld(first)) return first;
      if (isOld(ahead)) return ahead + 1n;
      return BigInt(reader.get<{ seq: number }>(YOUNG, first, limit)?.seq ?? first);
    });
  }

  /** When nothing was written since the last look, or there is far too much to wait for that. */
  #isTime(): boolean {
    const revision = this.#db.revision;
    const quiet = revision === this.#revision;
    this.#revision = revision;
    const { first, last } = this.#ledger.bounds;
    const urgent = Number(last - first) > this.#retention.maxEvents * URGENT_FACTOR;
    return quiet || urgent;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }
}
