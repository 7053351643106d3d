// berth tasks attach: connects to the stdio of a task that runs, and stays until it ends.
// @source containerd cmd/ctr/commands/tasks/attach.go
import { defineCommand } from "../../command.js";
import { SESSION_FAILURE_STATUS } from "../../exit-status.js";
import { attachSession } from "../../session.js";

export const command = defineCommand({
  arguments: "<container>",
  failureStatus: SESSION_FAILURE_STATUS,
  help: `berth exits with the status of the process, and the task is removed then; the container stays. The end of berth's own input
leaves the process's input open for whoever attaches next.`,
  run: async ({ client, request, output }, [id = ""]) => await attachSession({ client, request, output, id }),
});
