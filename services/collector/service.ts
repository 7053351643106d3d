// berth.v1.Collector over the collector.
import type { Collector } from "../../api/core/collector.js";
import { defineService } from "../../api/core/handler.js";
import { CollectorService, CollectResponse, ExplainResponse } from "../../api/gen/berth/v1/collector.js";

export const defineCollectorService = ({ collector }: { readonly collector: Collector }) =>
  defineService(CollectorService, {
    collect: async ({ dryRun }, ctx) => {
      const { removed, freedBytes, pauseNs } = await collector.collect({ dryRun, signal: ctx.signal });
      return CollectResponse.fromPartial({
        removed: removed.map(({ reason, ...node }) => ({ node, reason })),
        freedBytes: BigInt(freedBytes),
        pauseNs,
      });
    },

    explain: async ({ subject }, ctx) => {
      const chains = await collector.explain(ctx, subject);
      return ExplainResponse.fromPartial({ chains: chains.map((steps) => ({ steps: [...steps] })) });
    },
  });
