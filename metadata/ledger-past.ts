// A reading of the ledger's past: a subscription that begins earlier and ends where it was asked to, at the present of the call or
// when a time has come.
import type { LedgerEvent, LedgerReading } from "../api/core/event.js";
import type { Clock } from "../api/core/time.js";
import type { Subscription } from "./subscription.js";

/** The longest that a timer can wait. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

export interface ReadingEnd {
  readonly clock: Clock;
  readonly follow: boolean;
  readonly untilNs: bigint | undefined;
  /** Of the newest event that is on disk. */
  readonly position: () => bigint;
}

export class LedgerPast implements LedgerReading {
  readonly after: bigint;
  readonly #subscription: Subscription;
  #timer: NodeJS.Timeout | undefined;

  /** `open` makes the subscription and calls its argument when that ends. */
  constructor(after: bigint, end: ReadingEnd, open: (onEnd: () => void) => Subscription) {
    this.after = after;
    let hasEnded = false;
    this.#subscription = open(() => {
      hasEnded = true;
      clearTimeout(this.#timer);
    });
    if (!end.follow) this.#subscription.endBehind(end.position());
    else if (end.untilNs !== undefined && !hasEnded) this.#endAt(end.untilNs, end);
  }

  #endAt(untilNs: bigint, end: ReadingEnd): void {
    const leftMs = Number((untilNs - end.clock() + 999_999n) / 1_000_000n);
    if (leftMs <= 0) this.#subscription.endBehind(end.position());
    else this.#timer = setTimeout(() => this.#endAt(untilNs, end), Math.min(leftMs, LONGEST_WAIT_MS)).unref();
  }

  pages(): AsyncIterableIterator<readonly LedgerEvent[]> {
    return this.#subscription.pages();
  }

  [Symbol.asyncIterator](): AsyncIterator<LedgerEvent> {
    return this.#subscription;
  }
}
