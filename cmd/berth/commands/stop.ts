// berth stop: tasks are asked to end, killed when they do not, and removed; their containers stay.
import { stopTask } from "../../../api/client/run/stop-task.js";
import { allAtOnce } from "../at-once.js";
import { defineCommand } from "../command.js";
import { interruptible } from "../interrupt.js";
import { showWaiting } from "../progress/waiting.js";
import { addStopOptions, type StopFlags, stopOptionsOf } from "../stop-flags.js";
import { filesGoWithTask } from "../task-files.js";

export const command = defineCommand<StopFlags & { keep?: boolean }>({
  arguments: "<containers...>",
  completes: ["task"],
  examples: [
    { line: "berth stop web db", does: "asks both to end, and kills what has not after ten seconds" },
    { line: "berth stop --signal SIGINT --time 1m web", does: "another signal, and more patience" },
  ],
  help: `Each id is printed once its task has ended. A container that does not run is no failure. The container stays, with what it has
written: start it again by "berth restart" or "berth tasks start". Docker and LXD keep what a task has written with the task, so there
it stays, stopped, unless --discard is given.`,
  options: (command) => {
    addStopOptions(command);
    command.option("--keep", "leave the task behind, stopped, as ctr does");
  },
  run: async (context, ids, flags) => {
    const { client, output } = context;
    await interruptible(context.request, (request) =>
      allAtOnce({ ...context, request }, ids, async (id) => {
        const container = await client.containers.get(request, id);
        const mustStay = flags.discard !== true && filesGoWithTask(container);
        const options = await stopOptionsOf({ client, request }, flags, container);
        const keep = flags.keep === true || mustStay;
        const exit = await showWaiting(`stopping ${id}`, stopTask(client, request, id, { ...options, keep }));
        output.line(id);
        if (exit !== undefined && mustStay && flags.keep !== true) {
          output.warn(`task ${id} stays, stopped, with what it has written: "berth tasks rm ${id}" removes both`);
        }
      }),
    );
  },
});
