// Forgets old ends, in small steps: beyond a count, or beyond an age. With the last end of a container that has no task goes what was
// known of its tasks.
import { type Logger, silentLogger } from "../api/core/log.js";
import { type Clock, systemClock } from "../api/core/time.js";
import type { Database } from "./db.js";
import type { Writer } from "./statements.js";
import { StepLoop } from "./step-loop.js";

/** How long the ends of tasks are remembered; all optional. */
export interface ExitRetention {
  /** Ends kept. Default: 10000. */
  readonly maxRecords?: number | undefined;
  /** Age in milliseconds at which an end is forgotten. Default: 30 days. */
  readonly maxAgeMs?: number | undefined;
}

export interface ExitTrimmerOptions {
  readonly db: Database;
  readonly clock?: Clock | undefined;
  readonly log?: Logger | undefined;
  readonly retention?: ExitRetention | undefined;
  /** Time between looks, in milliseconds. Default: a minute. */
  readonly intervalMs?: number | undefined;
}

const STEP_RECORDS = 500;
const MONTH_MS = 30 * 24 * 3_600 * 1_000;
const DEFAULT_MAX_RECORDS = 10_000;
const BOUNDS = "SELECT min(seq) AS first, max(seq) AS last FROM exits";
const WRITTEN = "SELECT written_seconds AS seconds FROM exits ORDER BY seq LIMIT 1";
const OLD =
  "SELECT max(seq) AS seq FROM (SELECT seq, written_seconds FROM exits ORDER BY seq LIMIT ?) WHERE written_seconds < ?";
const DELETE = "DELETE FROM exits WHERE seq <= ?";
/** Of containers whose ends are all forgotten, unless a process of theirs is still to be told of. */
const FORGET_ATTEMPTS = `DELETE FROM attempts WHERE (namespace, container) IN (
    SELECT namespace, container FROM attempts WHERE NOT EXISTS
      (SELECT 1 FROM exits WHERE exits.namespace = attempts.namespace AND exits.container = attempts.container)
    AND NOT EXISTS (SELECT 1 FROM told_processes WHERE told_processes.namespace = attempts.namespace
      AND told_processes.container = attempts.container AND closed_seconds IS NULL)
    LIMIT ${STEP_RECORDS})`;

/** Looks at the ends again and again, and forgets. Dispose it before its database. */
export class ExitTrimmer implements AsyncDisposable {
  readonly #options: ExitTrimmerOptions;
  readonly #clock: Clock;
  readonly #loop: StepLoop;

  constructor(options: ExitTrimmerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { log = silentLogger, intervalMs = 60_000 } = options;
    this.#loop = new StepLoop({
      step: () => this.step(),
      intervalMs,
      onFailure: (err) => log.warn({ err }, "forgetting old exits failed"),
    });
  }

  /** Forgets until there is nothing to forget. */
  async trim(): Promise<void> {
    await this.#loop.run();
  }

  /** One small transaction. Resolves with whether there may be more to do. */
  async step(): Promise<boolean> {
    const upTo = this.#forgetUpTo();
    if (upTo === undefined) return false;
    await this.#options.db.update(
      (tx: Writer) => {
        tx.run(DELETE, upTo);
        tx.run(FORGET_ATTEMPTS);
      },
      { evenWhenFull: true, bookkeeping: true },
    );
    return true;
  }

  /** The last end that this step may forget. */
  #forgetUpTo(): number | undefined {
    const { maxRecords = DEFAULT_MAX_RECORDS, maxAgeMs = MONTH_MS } = this.#options.retention ?? {};
    const oldestSeconds = Number(this.#clock() / 1_000_000_000n) - Math.floor(maxAgeMs / 1_000);
    return this.#options.db.view((reader) => {
      const { first, last } = reader.get<{ first: number | null; last: number | null }>(BOUNDS) ?? {};
      if (first == null || last == null) return undefined;
      // Numbers have no holes but at the front.
      const byCount = Math.min(last - maxRecords, first + STEP_RECORDS - 1);
      if (byCount >= first) return byCount;
      if ((reader.get<{ seconds: number }>(WRITTEN)?.seconds ?? oldestSeconds) >= oldestSeconds) return undefined;
      return reader.get<{ seq: number | null }>(OLD, STEP_RECORDS, oldestSeconds)?.seq ?? undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#loop[Symbol.asyncDispose]();
  }
}
