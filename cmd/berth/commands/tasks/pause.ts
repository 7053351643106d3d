// berth tasks pause: the processes of a task stop where they are.
import { defineCommand } from "../../command.js";

export const command = defineCommand({
  arguments: "<container>",
  completes: ["task"],
  examples: [{ line: "berth tasks pause web", does: "freezes its processes" }],
  run: async ({ client, request }, [id = ""]) => await client.tasks.pause(request, id),
});
