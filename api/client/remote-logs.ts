// The logs of tasks, read from afar. Ours alone: containerd keeps no output and answers not_implemented.
import type { RequestContext } from "../core/context.js";
import type { LogBatch, LogEntry, LogStreamName, ReadLogOptions, TaskLogs } from "../core/task-log.js";
import { fromTimestamp, toTimestamp } from "../core/time.js";
import { type LogLine, LogStream, LogsService, ReadLogRequest } from "../gen/berth/v1/logs.js";
import type { Channel } from "./channel.js";

export class RemoteLogs implements TaskLogs {
  readonly #channel: Channel;

  constructor(channel: Channel) {
    this.#channel = channel;
  }

  async *read(ctx: RequestContext, containerId: string, options: ReadLogOptions = {}): AsyncGenerator<LogBatch> {
    const { after = 0n, sinceNs, untilNs, tail, follow = false, streams = [] } = options;
    const request = ReadLogRequest.fromPartial({
      containerId,
      after,
      ...(sinceNs !== undefined && { since: toTimestamp(sinceNs) }),
      ...(untilNs !== undefined && { until: toTimestamp(untilNs) }),
      ...(tail !== undefined && { tail }),
      follow,
      streams: streams.map(toStream),
    });
    for await (const { lines, lostBefore } of this.#channel.stream(LogsService.read, request, ctx)) {
      yield { lines: lines.map(toEntry), lostBefore: lostBefore === 0n ? undefined : lostBefore };
    }
  }
}

const toStream = (name: LogStreamName): LogStream => (name === "stdout" ? LogStream.STDOUT : LogStream.STDERR);

function toEntry({ number, time, stream, attempt, text, partial }: LogLine): LogEntry {
  return {
    ...{ number, attempt, text },
    timeNs: fromTimestamp(time) ?? 0n,
    stream: stream === LogStream.STDERR ? "stderr" : "stdout",
    isPartial: partial,
  };
}
