// events.v1 over the ledger: what is published or forwarded is on disk before the reply, and subscribers get the ledger's bytes.
// @source containerd plugins/services/events/service.go, core/events/exchange/exchange.go
import { requireNamespace } from "../../api/core/context.js";
import { Encoded, EncodedBatch } from "../../api/core/encoded.js";
import { errorKind, invalidArgument, unknownError, wrapError } from "../../api/core/errors.js";
import type { EventLedger, SubscribeOptions } from "../../api/core/event.js";
import { defineService } from "../../api/core/handler.js";
import type { Clock } from "../../api/core/time.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import { EventsService } from "../../api/gen/services/events/v1/events.js";
import type { Envelope } from "../../api/gen/types/event.js";
import { fromForwardedEnvelope } from "../envelope.js";
import { type CatchUp, placeOf } from "./catch-up.js";

export interface EventsServiceDeps {
  readonly events: EventLedger;
  readonly catchUp: CatchUp;
  readonly clock: Clock;
}

export const defineEventsService = ({ events, catchUp, clock }: EventsServiceDeps) =>
  defineService(EventsService, {
    publish: async ({ topic, event }, ctx) => {
      if (event === undefined) throw invalidArgument("event must be set");
      await events.append([{ timestampNs: clock(), namespace: publishNamespace(ctx), topic, event }]);
      return Empty.fromPartial({});
    },

    forward: async ({ envelope }) => {
      await events.append([fromForwardedEnvelope(envelope)]);
      return Empty.fromPartial({});
    },

    async *subscribe({ filters }, { signal }) {
      const { isFor, ...place } = placeOf(catchUp, events, clock);
      for await (const page of subscribe(events, { filters, signal, ...place }).pages()) {
        yield new EncodedBatch(page.filter(isFor).map(({ encoded }) => new Encoded<Envelope>(encoded)));
      }
    },
  });

function publishNamespace(ctx: Parameters<typeof requireNamespace>[0]): string {
  try {
    return requireNamespace(ctx);
  } catch (error) {
    throw wrapError("failed publishing event", error);
  }
}

/** containerd tells subscribers of a bad filter without a class. */
function subscribe(events: EventLedger, options: SubscribeOptions): ReturnType<EventLedger["subscribe"]> {
  try {
    return events.subscribe(options);
  } catch (error) {
    if (errorKind(error) !== "invalid_argument" || !(error instanceof Error)) throw error;
    throw unknownError(`subscription error: failed parsing subscription filters: ${error.message}`, error);
  }
}
