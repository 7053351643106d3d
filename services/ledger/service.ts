// berth.v1.Ledger: the past from the ledger, in the ledger's own bytes, and what comes behind it.
import { Encoded, EncodedBatch, encodeField } from "../../api/core/encoded.js";
import { errorOf } from "../../api/core/errors.js";
import type { EventHistory, LedgerEvent } from "../../api/core/event.js";
import { defineService } from "../../api/core/handler.js";
import { fromTimestamp } from "../../api/core/time.js";
import { LedgerEntry, LedgerService } from "../../api/gen/berth/v1/ledger.js";

const ENVELOPE_FIELD = 2;

export interface LedgerServiceDeps {
  readonly events: EventHistory;
  /** Id of the store: positions of another mean nothing here. */
  readonly serverId: string;
}

export const defineLedgerService = ({ events, serverId }: LedgerServiceDeps) =>
  defineService(LedgerService, {
    async *read({ after, since, until, filters, follow, storeId }, { signal }) {
      if (storeId !== "" && storeId !== serverId)
        throw errorOf(
          "out_of_range",
          `event ${after ?? 0n} of store ${storeId} is none of this daemon's, whose store is ${serverId}`,
        );
      const reading = events.read({
        ...(after !== undefined && { after }),
        sinceNs: fromTimestamp(since),
        untilNs: fromTimestamp(until),
        filters,
        follow,
        signal,
      });
      yield LedgerEntry.fromPartial({ seq: reading.after, storeId: serverId });
      for await (const page of reading.pages()) yield new EncodedBatch(page.map(encodeEntry));
    },
  });

const encodeEntry = ({ seq, encoded }: LedgerEvent): Encoded<LedgerEntry> =>
  new Encoded<LedgerEntry>([
    LedgerEntry.encode(LedgerEntry.fromPartial({ seq })).finish(),
    ...encodeField(ENVELOPE_FIELD, encoded),
  ]);
