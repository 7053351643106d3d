// The newest events, kept in memory so that many subscribers who keep up read the database not at all. Bounded by bytes.
import type { LedgerEvent } from "../api/core/event.js";

const MAX_BYTES = 4 * 1024 * 1024;
/** What an event costs beside its bytes, roughly. */
const OVERHEAD_BYTES = 512;

const costOf = (event: LedgerEvent): number => event.encoded.length + OVERHEAD_BYTES;

/** Events of consecutive positions, the newest ones. */
export class RecentEvents {
  #events: LedgerEvent[] = [];
  #bytes = 0;

  add(events: readonly LedgerEvent[]): void {
    for (const event of events) {
      this.#events.push(event);
      this.#bytes += costOf(event);
    }
    if (this.#bytes <= MAX_BYTES) return;
    // Down to half, so that dropping is rare and its cost spread over many events.
    let drop = 0;
    while (this.#bytes > MAX_BYTES / 2 && drop < this.#events.length - 1) {
      const event = this.#events[drop];
      if (event !== undefined) this.#bytes -= costOf(event);
      drop += 1;
    }
    this.#events = this.#events.slice(drop);
  }

  clear(): void {
    if (this.#events.length === 0) return;
    this.#events = [];
    this.#bytes = 0;
  }

  /** Up to `limit` events behind `after`, none behind `upTo`; undefined when they reach further back than memory does. */
  read(after: bigint, upTo: bigint, limit: number): readonly LedgerEvent[] | undefined {
    const first = this.#events[0];
    if (first === undefined || after + 1n < first.seq) return undefined;
    const from = Number(after + 1n - first.seq);
    const to = Math.min(Number(upTo + 1n - first.seq), from + limit);
    return this.#events.slice(from, to);
  }
}
