// transfer.v1: which transfer two ends make, and its run.
// @source containerd plugins/services/transfer/service.go, core/transfer/local/transfer.go

import type { ImageStores } from "../../api/client/distribution/stores.js";
import { requireNamespace } from "../../api/core/context.js";
import { notImplemented } from "../../api/core/errors.js";
import { defineService } from "../../api/core/handler.js";
import type { Logger } from "../../api/core/log.js";
import { Empty } from "../../api/gen/google/protobuf/empty.js";
import { TransferService } from "../../api/gen/services/transfer/v1/transfer.js";
import type { Streams } from "../streams.js";
import { decodeEnd } from "./ends.js";
import { ProgressTeller } from "./progress-stream.js";
import { Transfers } from "./transfers.js";

export interface TransferServiceDeps extends Omit<ImageStores, "diff"> {
  readonly differ: ImageStores["diff"];
  readonly streams: Streams;
  readonly log: Logger;
}

export const defineTransferService = ({ differ, streams, log, ...stores }: TransferServiceDeps) => {
  const transfers = new Transfers({ stores: { ...stores, diff: differ }, streams, log });
  return defineService(TransferService, {
    transfer: async (request, ctx) => {
      requireNamespace(ctx);
      const [source, target] = [decodeEnd(request.source), decodeEnd(request.destination)];
      const progress = request.options?.progressStream ?? "";
      const tell = new ProgressTeller(progress === "" ? undefined : streams.get(ctx, progress));

      try {
        if (source?.kind === "registry" && target?.kind === "images") {
          await transfers.pull(ctx, source.message, target.message, tell);
        } else if (source?.kind === "images" && target?.kind === "registry") {
          await transfers.push(ctx, source.message, target.message, tell);
        } else if (source?.kind === "import" && target?.kind === "images") {
          await transfers.import(ctx, source.message, target.message, tell);
        } else if (source?.kind === "images" && target?.kind === "export") {
          await transfers.export(ctx, source.message, target.message, tell);
        } else if (source?.kind === "import" && target?.kind === "export") {
          await transfers.echo(ctx, source.message, target.message);
        } else if (source?.kind === "images" && target?.kind === "images") {
          await transfers.tag(ctx, source.message, target.message);
        } else {
          const [from, to] = [request.source?.typeUrl ?? "", request.destination?.typeUrl ?? ""];
          throw notImplemented(`method Transfer not implemented for ${from} to ${to}`);
        }
      } finally {
        tell.end();
      }
      return Empty.fromPartial({});
    },
  });
};
