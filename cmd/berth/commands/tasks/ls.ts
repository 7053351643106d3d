// berth tasks ls: what runs, and what has run and was not deleted.
import { formatTime } from "../../../../api/core/time.js";
import { defineCommand } from "../../command.js";
import { stateColour } from "../../render/colour.js";

export const command = defineCommand({
  lists: true,
  watches: true,
  examples: [
    { line: "berth tasks ls", does: "what runs, and what has ended and was not removed" },
    { line: "berth tasks ls --watch", does: "drawn anew every two seconds" },
    { line: "berth tasks ls -q", does: "only the ids" },
  ],
  run: async ({ client, request, output }) => {
    const tasks = await client.tasks.list(request);
    output.list(tasks, {
      id: ({ containerId }) => containerId,
      columns: [
        { title: "TASK", text: ({ containerId }) => containerId },
        { title: "PID", text: ({ pid }) => String(pid) },
        { title: "STATUS", text: ({ status }) => status.toUpperCase(), colour: ({ status }) => stateColour(status) },
        { title: "EXIT", wide: true, text: (task) => (task.status === "stopped" ? String(task.exitStatus) : "-") },
        {
          title: "EXITED",
          wide: true,
          text: ({ exitedAtNs }) => (exitedAtNs === undefined ? "-" : formatTime(exitedAtNs)),
        },
      ],
      fields: ["exitStatus", "exitedAt"],
      json: ({ containerId, pid, status, terminal, exitStatus, exitedAtNs }) => ({
        id: containerId,
        pid,
        status,
        terminal,
        ...(status === "stopped" ? { exitStatus } : {}),
        ...(exitedAtNs === undefined ? {} : { exitedAt: formatTime(exitedAtNs) }),
      }),
    });
  },
});
