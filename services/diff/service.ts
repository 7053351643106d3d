// diff.v1 over a Differ.
// @source containerd plugins/services/diff
import { requireNamespace } from "../../api/core/context.js";
import type { Differ } from "../../api/core/diff.js";
import { defineService } from "../../api/core/handler.js";
import { fromTimestamp } from "../../api/core/time.js";
import { ApplyResponse, DiffResponse, DiffService } from "../../api/gen/services/diff/v1/diff.js";
import { toRecord } from "../maps.js";
import { fromDescriptorMessage, fromMountMessage, toDescriptorMessage } from "./convert.js";

export const defineDiffService = ({ differ }: { readonly differ: Differ }) =>
  defineService(DiffService, {
    apply: async (request, ctx) => {
      requireNamespace(ctx);
      const layer = fromDescriptorMessage(request.diff);
      const mounts = request.mounts.map(fromMountMessage);
      const applied = await differ.apply(ctx, layer, mounts, { syncFs: request.syncFs });
      return ApplyResponse.fromPartial({ applied: toDescriptorMessage(applied) });
    },

    diff: async (request, ctx) => {
      requireNamespace(ctx);
      const { mediaType, ref, labels, sourceDateEpoch } = request;
      const left = request.left.map(fromMountMessage);
      const right = request.right.map(fromMountMessage);
      const epoch = fromTimestamp(sourceDateEpoch);
      const diff = await differ.diff(ctx, left, right, {
        labels: toRecord(labels),
        ...(mediaType !== "" && { mediaType }),
        ...(ref !== "" && { ref }),
        ...(epoch !== undefined && { sourceDateEpochNs: epoch }),
      });
      return DiffResponse.fromPartial({ diff: toDescriptorMessage(diff) });
    },
  });
