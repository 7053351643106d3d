// berth stop: tasks are asked to end, killed when they do not, and removed; their containers stay.
import { stopTask } from "../../../api/client/run/stop-task.js";
import { allAtOnce } from "../at-once.js";
import { defineCommand } from "../command.js";
import { interruptible } from "../interrupt.js";
import { addStopOptions, type StopFlags, stopOptionsOf } from "../stop-flags.js";

export const command = defineCommand<StopFlags & { keep?: boolean }>({
  arguments: "<containers...>",
  completes: ["task"],
  examples: [
    { line: "berth stop web db", does: "asks both to end, and kills what has not after ten seconds" },
    { line: "berth stop --signal SIGINT --time 1m web", does: "another signal, and more patience" },
  ],
  help: `Each id is printed once its task has ended. A container that does not run is no failure. The container stays, with what it has
written: start it again by "berth restart" or "berth tasks start".`,
  options: (command) => {
    addStopOptions(command);
    command.option("--keep", "leave the task behind, stopped, as ctr does");
  },
  run: async (context, ids, flags) => {
    const { client, output } = context;
    await interruptible(context.request, (request) =>
      allAtOnce({ ...context, request }, ids, async (id) => {
        const container = await client.containers.get(request, id);
        await stopTask(client, request, id, { ...stopOptionsOf(flags, container), keep: flags.keep === true });
        output.line(id);
      }),
    );
  },
});
