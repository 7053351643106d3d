// berth wait: stays until tasks have ended, and prints how.
import { persist } from "../../../api/client/run/persist.js";
import { formatTime } from "../../../api/core/time.js";
import { allAtOnce } from "../at-once.js";
import { defineCommand } from "../command.js";
import { renderJson } from "../render/json.js";

export const command = defineCommand({
  arguments: "<containers...>",
  formats: true,
  help: `Prints the exit status of each task, a line each in the order in which they end; with more than one its id stands before it. berth
itself exits with 0. The wait goes on through a restart of the daemon.`,
  run: async (context, ids) => {
    const { client, request, output } = context;
    output.endWithReader();
    await allAtOnce(context, ids, async (id) => {
      const { exitStatus, exitedAtNs } = await persist(client, () => client.tasks.wait(request, id, ""));
      if (output.format === "json" || output.format === "jsonl") {
        const exitedAt = exitedAtNs === undefined ? undefined : formatTime(exitedAtNs);
        output.line(renderJson({ id, exitStatus, exitedAt }, 0));
      } else {
        output.line(ids.length > 1 ? `${id} ${exitStatus}` : String(exitStatus));
      }
    });
  },
});
