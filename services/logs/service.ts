// berth.v1.Logs: what tasks have written, in batches as they are read from the files.
import { defineService } from "../../api/core/handler.js";
import type { LogEntry, LogStreamName, TaskLogs } from "../../api/core/task-log.js";
import { fromTimestamp, toTimestamp } from "../../api/core/time.js";
import { LogLines, LogStream, LogsService } from "../../api/gen/berth/v1/logs.js";

const NAMES: ReadonlyMap<LogStream, LogStreamName> = new Map([
  [LogStream.STDOUT, "stdout"],
  [LogStream.STDERR, "stderr"],
]);

export const defineLogsService = ({ logs }: { readonly logs: TaskLogs }) =>
  defineService(LogsService, {
    async *read(request, ctx) {
      const { containerId, after, since, until, tail, follow } = request;
      const streams = request.streams.flatMap((stream) => NAMES.get(stream) ?? []);
      const range = { after, sinceNs: fromTimestamp(since), untilNs: fromTimestamp(until), tail };
      for await (const { lines, lostBefore } of logs.read(ctx, containerId, { ...range, follow, streams })) {
        yield LogLines.fromPartial({ lines: lines.map(toLine), lostBefore: lostBefore ?? 0n });
      }
    },
  });

function toLine({ number, timeNs, stream, attempt, text, isPartial }: LogEntry) {
  return {
    ...{ number, attempt, partial: isPartial },
    time: toTimestamp(timeNs),
    stream: stream === "stdout" ? LogStream.STDOUT : LogStream.STDERR,
    text: Buffer.from(text.buffer, text.byteOffset, text.byteLength),
  };
}
