// One subscriber's place in the ledger. It holds a position and at most one page of events, however slowly it is read.
import { unavailable } from "../api/core/errors.js";
import type { EventStream, LedgerEvent } from "../api/core/event.js";

const PAGE_EVENTS = 256;
const DONE: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** What a subscription asks of its ledger. */
export interface LedgerSource {
  /** Events behind `after` that are on disk, in order; an empty page says there are none yet. @throws out_of_range for a gap. */
  page(after: bigint, limit: number): readonly LedgerEvent[];
}

export interface SubscriptionOptions {
  readonly source: LedgerSource;
  readonly after: bigint;
  readonly matches: (event: LedgerEvent) => boolean;
  readonly signal: AbortSignal | undefined;
  readonly onEnd: (subscription: Subscription) => void;
}

type State = { readonly kind: "open" } | { readonly kind: "ended" } | { readonly kind: "closed" };

/** An iterator written out, not a generator: `return()` must end a `next()` that waits, and a generator would queue it behind. */
export class Subscription implements EventStream, AsyncIterableIterator<LedgerEvent> {
  readonly #options: SubscriptionOptions;
  #position: bigint;
  #page: readonly LedgerEvent[] = [];
  #index = 0;
  #state: State = { kind: "open" };
  #lastSeq: bigint | undefined;
  #waiting: (() => void)[] = [];
  readonly #onAbort = (): void => this.#end({ kind: "ended" });

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#position = options.after;
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#onAbort();
  }

  /** The last event it has taken; nothing behind it may be forgotten while it is open. */
  get position(): bigint {
    return this.#position;
  }

  /** Lets it end behind this position, without an error; nobody waits for more. */
  endBehind(seq: bigint): void {
    this.#lastSeq = seq;
    this.wake();
  }

  /** Says that there may be more. */
  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** Ends it from the ledger's side; the reader sees an error, since events may follow that it will not get. */
  close(): void {
    this.#end({ kind: "closed" });
  }

  async next(): Promise<IteratorResult<LedgerEvent, undefined>> {
    for (;;) {
      if (this.#hasEnded()) return DONE;
      const event = this.#takeMatching();
      if (event !== undefined) return { done: false, value: event };
      await this.#nextPage();
    }
  }

  pages(): AsyncIterableIterator<readonly LedgerEvent[]> {
    const pages: AsyncIterableIterator<readonly LedgerEvent[]> = {
      next: async () => {
        for (;;) {
          if (this.#hasEnded()) return DONE;
          const events: LedgerEvent[] = [];
          for (let event = this.#takeMatching(); event !== undefined; event = this.#takeMatching()) events.push(event);
          if (events.length > 0) return { done: false, value: events };
          await this.#nextPage();
        }
      },
      return: async () => {
        this.#end({ kind: "ended" });
        return DONE;
      },
      [Symbol.asyncIterator]: () => pages,
    };
    return pages;
  }

  async return(): Promise<IteratorResult<LedgerEvent, undefined>> {
    this.#end({ kind: "ended" });
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** @throws unavailable when the ledger ended it. */
  #hasEnded(): boolean {
    if (this.#state.kind === "closed") throw unavailable("event ledger is closed");
    return this.#state.kind === "ended";
  }

  /** The next event of this page that the reader wants. */
  #takeMatching(): LedgerEvent | undefined {
    for (;;) {
      const event = this.#page[this.#index];
      if (event === undefined || this.#isBehindEnd(event.seq)) return undefined;
      this.#index += 1;
      this.#position = event.seq;
      if (this.#options.matches(event)) return event;
    }
  }

  async #nextPage(): Promise<void> {
    const readBefore = this.#page.length > 0;
    if (this.#isBehindEnd(this.#position + 1n)) {
      this.#end({ kind: "ended" });
      return;
    }
    this.#page = [];
    this.#index = 0;
    try {
      this.#page = this.#options.source.page(this.#position, PAGE_EVENTS);
    } catch (error) {
      this.#end({ kind: "ended" });
      throw error;
    }
    if (this.#page.length === 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else if (readBefore) {
      // Page behind page: let others run.
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #isBehindEnd(seq: bigint): boolean {
    return this.#lastSeq !== undefined && seq > this.#lastSeq;
  }

  #end(state: State): void {
    if (this.#state.kind !== "open") return;
    this.#state = state;
    this.#page = [];
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#options.onEnd(this);
    this.wake();
  }
}
