// The ledger of a daemon, read from afar, through restarts of the daemon. Ours alone: containerd answers not_implemented.
import type { RequestContext } from "../core/context.js";
import { isUnavailable } from "../core/errors.js";
import type { EventEnvelope } from "../core/event.js";
import { fromTimestamp, toTimestamp } from "../core/time.js";
import { LedgerService } from "../gen/berth/v1/ledger.js";
import type { Channel } from "./channel.js";

const RECONNECT_TIMEOUT_MS = 30_000;
/** Calls in a row that brought nothing. */
const MAX_ATTEMPTS = 10;

/** Which part of a ledger; all optional. */
export interface ReadEventsOptions {
  /** Start behind this position; default: with the oldest event that is kept. */
  readonly after?: bigint | undefined;
  /** Only events of this time or later, nanoseconds since 1970. */
  readonly sinceNs?: bigint | undefined;
  /** Only events before this time; with `follow` it ends when that has come. */
  readonly untilNs?: bigint | undefined;
  /** As for `subscribe`: one of them must match. */
  readonly filters?: readonly string[] | undefined;
  /** Whether it goes on with what happens from now on, also after a restart of the daemon. Default: false. */
  readonly follow?: boolean | undefined;
}

/** An event and where it stands. */
export interface PastEvent extends EventEnvelope {
  /** Position in the ledger: unique, increasing, never used again. */
  readonly seq: bigint;
}

/** The events of a daemon's past, and from them on those that come. Of Berth only. */
export class RemoteLedger {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /**
   * Events of all namespaces, in the order of the ledger. When the daemon goes away in the middle, it is waited for half a minute and
   * read on where it stopped: no event comes twice, and none is missing. To be consumed once; leaving the loop ends the call.
   * @throws from the iteration: `invalid_argument` for a bad filter, `out_of_range` when events behind `after` are not kept any more,
   * `unavailable` when nobody came back, `cancelled` after an abort, `not_implemented` by containerd.
   */
  async *read(ctx: RequestContext, options: ReadEventsOptions = {}): AsyncGenerator<PastEvent> {
    const { sinceNs, untilNs, filters = [], follow = false } = options;
    let { after } = options;
    let storeId = "";
    for (let attempt = 1; ; attempt += 1) {
      const request = {
        after,
        since: sinceNs === undefined ? undefined : toTimestamp(sinceNs),
        until: untilNs === undefined ? undefined : toTimestamp(untilNs),
        filters: [...filters],
        follow,
        storeId,
      };
      try {
        for await (const entry of this.#channel.stream(LedgerService.read, request, ctx)) {
          after = entry.seq;
          if (entry.storeId !== "") storeId = entry.storeId;
          if (entry.envelope === undefined) continue;
          attempt = 1;
          const { timestamp, namespace, topic, event } = entry.envelope;
          yield { seq: entry.seq, timestampNs: fromTimestamp(timestamp), namespace, topic, event };
        }
        return;
      } catch (error) {
        // Before the first answer nobody knows where to go on.
        if (!isUnavailable(error) || storeId === "" || attempt >= MAX_ATTEMPTS) throw error;
        await this.#channel.ready(RECONNECT_TIMEOUT_MS);
      }
    }
  }
}
