// The service that shims call on the daemon's second socket: they forward what happened to their tasks.
// @source containerd plugins/services/events/ttrpc.go
import type { EventEnvelope } from "../../api/core/event.js";
import { defineService } from "../../api/core/handler.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import { EventsService } from "../../api/gen/services/ttrpc/events/v1/events.js";
import { fromForwardedEnvelope } from "../envelope.js";

export interface ShimEventsDeps {
  /** Resolves when the event is on disk; only then does the shim hear that it arrived. */
  readonly forward: (envelope: EventEnvelope) => Promise<void>;
}

export const defineShimEventsService = ({ forward }: ShimEventsDeps) =>
  defineService(EventsService, {
    forward: async ({ envelope }) => {
      await forward(fromForwardedEnvelope(envelope));
      return Empty.fromPartial({});
    },
  });
