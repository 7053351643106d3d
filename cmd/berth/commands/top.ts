// berth top: the processes of tasks as they work, the busiest first.
import { failedPrecondition } from "../../../api/core/errors.js";
import { defineCommand } from "../command.js";
import { chosenTasks } from "../daily/chosen-tasks.js";
import {
  type ProcessRow,
  type ProcessSample,
  processListing,
  processRows,
  sampleProcesses,
} from "../daily/process-rows.js";
import { isAlive } from "../daily/task-pids.js";
import { addLiveOptions, type LiveFlags, live } from "../live.js";

export const command = defineCommand<LiveFlags>({
  arguments: "[containers...]",
  lists: true,
  completes: ["task"],
  help: `Without names, the processes of all tasks that run. The daemon tells which processes there are; what they do is read from /proc
of this host, so of a task that runs on another one (a remote Docker engine) nothing is to be seen here.`,
  examples: [
    { line: "berth top", does: "all processes in containers, live, until ^C" },
    { line: "berth top --no-stream --format wide web", does: "those of one container, once" },
  ],
  options: addLiveOptions,
  run: async (context, ids, flags) => {
    const { client, request } = context;
    let before: readonly ProcessSample[] | undefined;
    let rows: ProcessRow[] = [];
    const look = async (): Promise<void> => {
      const tasks = await chosenTasks(client, request, ids);
      const alive = tasks.filter(isAlive);
      if (before === undefined && ids.length > 0 && alive.length === 0) {
        throw failedPrecondition(`no task of ${ids.join(", ")} is running`);
      }
      const samples = await sampleProcesses(client, request, alive);
      rows = processRows(samples, before ?? [], Date.now());
      before = samples;
    };
    await live(context, flags, look, (output, room) => {
      output.list(output.isTable ? rows.slice(0, room.rows - 1) : rows, processListing);
    });
  },
});
