// berth tasks resume: a paused task goes on.
import { defineCommand } from "../../command.js";

export const command = defineCommand({
  arguments: "<container>",
  run: async ({ client, request }, [id = ""]) => await client.tasks.resume(request, id),
});
