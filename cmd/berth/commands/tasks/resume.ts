// berth tasks resume: a paused task goes on.
import { defineCommand } from "../../command.js";

export const command = defineCommand({
  arguments: "<container>",
  completes: ["task"],
  examples: [{ line: "berth tasks resume web", does: "lets them go on" }],
  run: async ({ client, request }, [id = ""]) => await client.tasks.resume(request, id),
});
