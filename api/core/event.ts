// Events and the ledger that keeps them: a durable, numbered log, written in the transaction of the change it reports.
// @source containerd core/events/exchange/exchange.go for validation and delivery
import type { Any } from "./typeurl.js";

export interface EventEnvelope {
  /** Nanoseconds since 1970; undefined is "unset". */
  readonly timestampNs: bigint | undefined;
  readonly namespace: string;
  /** `/` and identifiers separated by `/`, for example `/tasks/exit`. Ours begin with `/berth/`. */
  readonly topic: string;
  readonly event: Any | undefined;
}

/** An event in the ledger. */
export interface LedgerEvent extends EventEnvelope {
  /** Position in the ledger: unique, increasing, never used again. */
  readonly seq: bigint;
  /** The encoded `containerd.types.Envelope`, made once and sent to every subscriber. */
  readonly encoded: Uint8Array;
}

export interface SubscribeOptions {
  /** One of them must match; none means everything but `/berth/` topics, which reach only filters that name them. */
  readonly filters?: readonly string[];
  readonly signal?: AbortSignal | undefined;
  /** Start behind this position of the ledger; default: now. */
  readonly after?: bigint;
}

/** Live events, one by one or in the pieces in which they become ready. One reader reads it, in one of the two ways. */
export interface EventStream extends AsyncIterable<LedgerEvent> {
  /** All events that are ready at once, at least one and a bounded number, again and again. */
  pages(): AsyncIterableIterator<readonly LedgerEvent[]>;
}

export interface EventLedger {
  /** Of the newest event that is on disk. */
  readonly position: bigint;
  /** Resolves when the events are on disk. Subscribers see them in this order. @throws invalid_argument for topic or namespace. */
  append(envelopes: readonly EventEnvelope[]): Promise<void>;
  /**
   * Live events, in ledger order, for as long as the consumer reads and the signal is not aborted. A slow consumer is fed
   * from the ledger at its own pace. The subscription is live when this function returns (not at the first `next()`).
   * @throws invalid_argument at once for a bad filter.
   */
  subscribe(options?: SubscribeOptions): EventStream;
}
