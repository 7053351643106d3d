// berth tasks attach, and attach: connects to the stdio of a task or exec that runs, and stays until it ends.
// @source containerd cmd/ctr/commands/tasks/attach.go
import { defineCommand } from "../../command.js";
import { SESSION_FAILURE_STATUS } from "../../exit-status.js";
import { attachSession } from "../../session.js";
import { addDetachKeysOption, type DetachFlags } from "../../stdio-flags.js";

interface AttachFlags extends DetachFlags {
  execId?: string;
}

export const command = defineCommand<AttachFlags>({
  arguments: "<container>",
  failureStatus: SESSION_FAILURE_STATUS,
  completes: ["task"],
  examples: [{ line: "berth tasks attach web", does: "connects to its input and output until it ends" }],
  help: `berth exits with the status of the process, and the task is removed then; the container stays. The end of berth's own input
leaves the process's input open for whoever attaches next, and so do the keys that detach, at a terminal.`,
  options: (command) => {
    command.option("--exec-id <id>", "a process of the task, instead of its first one");
    addDetachKeysOption(command);
  },
  run: async ({ client, request, output }, [id = ""], { execId = "", detachKeys }) => {
    const { status } = await attachSession({ client, request, output, id, execId, detachKeys });
    return status;
  },
});
