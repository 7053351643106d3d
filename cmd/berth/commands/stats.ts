// berth stats: what tasks use, as it changes.
import { totalmem } from "node:os";
import { defineCommand } from "../command.js";
import { chosenTasks } from "../daily/chosen-tasks.js";
import { sampleUsage, type UsageSample } from "../daily/task-usage.js";
import { type UsageRow, usageListing, usageRow } from "../daily/usage-rows.js";
import { addLiveOptions, type LiveFlags, live } from "../live.js";

export const command = defineCommand<LiveFlags>({
  arguments: "[containers...]",
  lists: true,
  completes: ["task"],
  help: `Without names, all tasks that run. CPU % is of one processor: two that are busy all the time are 200%. Memory is without what the
kernel could take back at once; its percentage is of the limit, and of this host's memory where there is none. A dash is what the
runtime does not tell: network I/O is that of a network of the task's own.`,
  examples: [
    { line: "berth stats", does: "all tasks that run, live, until ^C" },
    { line: "berth stats --no-stream --format json web", does: "one task, once, for a program" },
  ],
  options: addLiveOptions,
  run: async (context, ids, flags) => {
    const { client, request } = context;
    let before = new Map<string, UsageSample>();
    let rows: UsageRow[] = [];
    const look = async (): Promise<void> => {
      const samples = await sampleUsage(client, request, await chosenTasks(client, request, ids));
      rows = samples.map((sample) => usageRow(sample, before.get(sample.id), totalmem()));
      before = new Map(samples.map((sample) => [sample.id, sample]));
    };
    await live(context, flags, look, (output) => output.list(rows, usageListing));
  },
});
