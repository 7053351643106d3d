// berth.v1.Exits: how tasks ended and why, newest first.
import { requireNamespace } from "../../api/core/context.js";
import type { ExitRecord, Exits } from "../../api/core/exit-record.js";
import { defineService } from "../../api/core/handler.js";
import { fromTimestamp, toTimestamp } from "../../api/core/time.js";
import { ExitRecord as ExitMessage, ExitsService } from "../../api/gen/berth/v1/exits.js";

export const defineExitsService = ({ exits }: { readonly exits: Exits }) =>
  defineService(ExitsService, {
    async *list({ containerId, since, limit, execs, latest }, ctx) {
      requireNamespace(ctx);
      const options = {
        ...(containerId !== "" && { containerId }),
        ...(limit !== 0 && { limit }),
        sinceNs: fromTimestamp(since),
        execs,
        latest,
      };
      for await (const record of exits.list(ctx, options)) yield toMessage(record);
    },
  });

function toMessage(record: ExitRecord): ExitMessage {
  const { startedAtNs, exitedAtNs, exitStatus, signal, isOutOfMemory, requested, lastLines, ...rest } = record;
  return ExitMessage.fromPartial({
    ...rest,
    ...(startedAtNs !== undefined && { startedAt: toTimestamp(startedAtNs) }),
    ...(exitedAtNs !== undefined && { exitedAt: toTimestamp(exitedAtNs) }),
    exitStatus: exitStatus ?? 0,
    statusKnown: exitStatus !== undefined,
    signal: signal ?? 0,
    outOfMemory: isOutOfMemory,
    ...(requested !== undefined && { requested: { ...requested, time: toTimestamp(requested.timeNs) } }),
    lastLines: lastLines.map((line) => Buffer.from(line)),
  });
}
