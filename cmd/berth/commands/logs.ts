// berth logs: what the tasks of a container have written.
import { once } from "node:events";
import { persist } from "../../../api/client/run/persist.js";
import { isUnavailable } from "../../../api/core/errors.js";
import type { LogBatch, LogEntry, ReadLogOptions } from "../../../api/core/task-log.js";
import { formatTime } from "../../../api/core/time.js";
import { ofBerthdOnly } from "../berthd-only.js";
import { type CommandContext, defineCommand } from "../command.js";
import { parseLimit } from "../flags.js";
import type { Output } from "../output.js";
import { type TimeRangeFlags, timeRangeOptions } from "../time-flag.js";

interface LogsFlags extends TimeRangeFlags {
  follow?: boolean;
  tail?: number;
  timestamps?: boolean;
  after?: number;
  stdout?: boolean;
  stderr?: boolean;
}

export const command = defineCommand<LogsFlags>({
  arguments: "<container>",
  completes: ["container"],
  lists: "document",
  examples: [
    { line: "berth logs web", does: "all that is kept, stdout and stderr each to its own" },
    { line: "berth logs -f --tail 20 web", does: "the last lines, and those that come, also of its next tasks" },
    { line: "berth logs --since 10m --until 5m -t web", does: "five minutes of it, with times" },
    {
      line: "berth logs --after 1234 --format jsonl web",
      does: "the lines behind number 1234, one JSON document each",
    },
    { line: "berth logs --fields number,attempt,text web", does: "which task wrote what" },
  ],
  help: `Output is kept of containers with the label berth.io/log=keep, which run gives them unless --rm or --log none is there.
Lines are numbered from 1 for each container, over all its tasks. --follow goes on through rotation, further tasks and restarts of
the daemon, until the container is deleted.`,
  options: (command) => {
    command
      .option("-f, --follow", "go on with the lines that come")
      .option("-n, --tail <number>", "only that many of the last lines", parseLimit)
      .option("-t, --timestamps", "put its time before each line")
      .option("--after <number>", "only lines behind this number", parseLimit)
      .option("--stdout", "only what was written to stdout; a terminal's output is that")
      .option("--stderr", "only what was written to stderr");
    for (const option of timeRangeOptions("lines")) command.addOption(option);
  },
  run: async (context, [id = ""], flags) => {
    const { output } = context;
    const { since, until, tail, after = 0, follow = false, stdout, stderr } = flags;
    const streams = stdout === stderr ? [] : [stdout === true ? ("stdout" as const) : ("stderr" as const)];
    const options = { after: BigInt(after), sinceNs: since, untilNs: until, follow, streams };
    if (follow) output.endWithReader();
    const print =
      output.isTable && !output.picksFields ? plainPrinter(flags.timestamps === true) : recordPrinter(output);
    for await (const { lines, lostBefore } of persistently(context, id, {
      ...options,
      tail: tail === undefined ? undefined : BigInt(tail),
    })) {
      if (lostBefore !== undefined) output.warn(`lines before number ${lostBefore} have been removed`);
      await print(lines);
    }
  },
});

/** The same lines through restarts of the daemon: each goes on behind the last one that came. */
async function* persistently(
  { client, request }: CommandContext,
  id: string,
  options: ReadLogOptions,
): AsyncGenerator<LogBatch> {
  let rest = options;
  for (;;) {
    try {
      for await (const batch of ofBerthdOnly("logs are kept", client.logs.read(request, id, rest))) {
        yield batch;
        const last = batch.lines.at(-1);
        if (last !== undefined) rest = { ...rest, after: last.number, sinceNs: undefined, tail: undefined };
      }
      return;
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      let isFirst = true;
      await persist(client, async () => {
        if (isFirst) {
          isFirst = false;
          throw error;
        }
      });
    }
  }
}

type Print = (lines: readonly LogEntry[]) => Promise<void>;

/** Each stream to its own, as the task wrote it. */
function plainPrinter(hasTimes: boolean): Print {
  /** Whether the last line of that stream goes on. */
  const isOpen = { stdout: false, stderr: false };
  return async (lines) => {
    for (let from = 0; from < lines.length; ) {
      const stream = lines[from]?.stream ?? "stdout";
      const end = lines.findIndex((line, index) => index > from && line.stream !== stream);
      const run = lines.slice(from, end < 0 ? lines.length : end);
      const parts = run.flatMap(({ timeNs, text, isPartial }) => {
        const time = hasTimes && !isOpen[stream] ? [Buffer.from(`${formatTime(timeNs)} `)] : [];
        isOpen[stream] = isPartial;
        return isPartial ? [...time, text] : [...time, text, LINE_FEED];
      });
      await write(process[stream], Buffer.concat(parts));
      from += run.length;
    }
  };
}

const LINE_FEED = Buffer.from("\n");

/** Of lines that are no text. */
const RARE_FIELDS = ["base64"];

/** One record a line. */
function recordPrinter(output: Output): Print {
  return async (lines) => {
    const texts = lines.map((line) => `${output.recordText(() => jsonOf(line), String, RARE_FIELDS)}\n`);
    await write(process.stdout, Buffer.from(texts.join("")));
  };
}

function jsonOf({ number, timeNs, stream, attempt, text, isPartial }: LogEntry): object {
  const utf8 = Buffer.from(text).toString();
  // What is no text is told in full all the same.
  const bytes = Buffer.from(utf8).equals(text) ? {} : { base64: Buffer.from(text).toString("base64") };
  const line = { number: Number(number), time: formatTime(timeNs), stream, attempt, text: utf8, ...bytes };
  return { ...line, partial: isPartial };
}

/** No faster than it is read. */
async function write(stream: NodeJS.WriteStream, bytes: Buffer): Promise<void> {
  if (!stream.write(bytes)) await once(stream, "drain");
}
