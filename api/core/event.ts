// Events and the ledger that keeps them: a durable, numbered log, written in the transaction of the change it reports.
// @source containerd core/events/exchange/exchange.go for validation and delivery
import type { Any } from "./typeurl.js";

/** An event as it travels. No field changes. */
export interface EventEnvelope {
  /** Nanoseconds since 1970; undefined is "unset". */
  readonly timestampNs: bigint | undefined;
  /** Required, an identifier. */
  readonly namespace: string;
  /** Required: `/` and identifiers separated by `/`, for example `/tasks/exit`. Ours begin with `/berth/`. */
  readonly topic: string;
  /** The payload; undefined when the publisher sent none. */
  readonly event: Any | undefined;
}

/** An event in the ledger. */
export interface LedgerEvent extends EventEnvelope {
  /** Position in the ledger: unique, increasing, never used again. */
  readonly seq: bigint;
  /** The encoded `containerd.types.Envelope`, made once and sent to every subscriber. */
  readonly encoded: Uint8Array;
}

/** Which events, from where on, and for how long. All optional. */
export interface SubscribeOptions {
  /**
   * One of them must match; none means everything but `/content/create` and `/berth/` topics, which reach only filters that
   * name them.
   */
  readonly filters?: readonly string[];
  /** Ends the stream without an error. */
  readonly signal?: AbortSignal | undefined;
  /** Start behind this position of the ledger; default: now. */
  readonly after?: bigint;
}

/** Live events, one by one or in the pieces in which they become ready. One reader reads it, in one of the two ways. */
export interface EventStream extends AsyncIterable<LedgerEvent> {
  /** All events that are ready at once, at least one and a bounded number, again and again. */
  pages(): AsyncIterableIterator<readonly LedgerEvent[]>;
}

/** Which part of the past, and whether what comes belongs to it. All optional. */
export interface ReadLedgerOptions extends SubscribeOptions {
  /** Start behind this position of the ledger; default: with the oldest event that is kept. */
  readonly after?: bigint;
  /** Only events of this time or later, nanoseconds since 1970. What was trimmed before is not missed. */
  readonly sinceNs?: bigint | undefined;
  /** Only events before this time; with `follow` the stream ends when it has come. */
  readonly untilNs?: bigint | undefined;
  /** Whether the stream goes on with what happens after the call. Default: false. */
  readonly follow?: boolean;
}

/** Events of the past, and those that come if they were asked for. */
export interface LedgerReading extends EventStream {
  /** The position behind which it begins. */
  readonly after: bigint;
}

/** The log of events of one store. */
export interface EventLedger {
  /** Of the newest event that is on disk. */
  readonly position: bigint;
  /** Resolves when the events are on disk. Subscribers see them in this order. @throws invalid_argument for topic or namespace. */
  append(envelopes: readonly EventEnvelope[]): Promise<void>;
  /**
   * Live events, in ledger order, for as long as the consumer reads and the signal is not aborted. A slow consumer is fed
   * from the ledger at its own pace. The subscription is live when this function returns (not at the first `next()`).
   * @throws invalid_argument at once for a bad filter, out_of_range for an `after` that is trimmed already or still ahead.
   */
  subscribe(options?: SubscribeOptions): EventStream;
}

/** A ledger's past. */
export interface EventHistory {
  /**
   * Events of the past in ledger order, and without a hole those that come. Nothing of it is trimmed while it is open.
   * @throws invalid_argument at once for a bad filter, out_of_range for an `after` that is trimmed already or still ahead.
   */
  read(options?: ReadLedgerOptions): LedgerReading;
}
