// berth tasks ls: what runs, and what has run and was not deleted.
import { formatTime } from "../../../../api/core/time.js";
import { defineCommand } from "../../command.js";

export const command = defineCommand<{ quiet?: boolean }>({
  formats: true,
  options: (command) => {
    command.option("-q, --quiet", "only the ids");
  },
  run: async ({ client, request, output }, _, flags) => {
    const tasks = await client.tasks.list(request);
    output.list(
      tasks,
      {
        id: ({ containerId }) => containerId,
        columns: [
          { title: "TASK", text: ({ containerId }) => containerId },
          { title: "PID", text: ({ pid }) => String(pid) },
          { title: "STATUS", text: ({ status }) => status.toUpperCase() },
          { title: "EXIT", wide: true, text: (task) => (task.status === "stopped" ? String(task.exitStatus) : "-") },
          {
            title: "EXITED",
            wide: true,
            text: ({ exitedAtNs }) => (exitedAtNs === undefined ? "-" : formatTime(exitedAtNs)),
          },
        ],
        json: ({ containerId, pid, status, terminal, exitStatus, exitedAtNs }) => ({
          id: containerId,
          pid,
          status,
          terminal,
          ...(status === "stopped" ? { exitStatus } : {}),
          ...(exitedAtNs === undefined ? {} : { exitedAt: formatTime(exitedAtNs) }),
        }),
      },
      flags,
    );
  },
});
