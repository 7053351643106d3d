// berth tasks ps: the processes in a task, by their pids on this host.
import { defineCommand } from "../../command.js";
import { execIdOf } from "../../exec-id.js";

export const command = defineCommand({
  arguments: "<container>",
  lists: true,
  watches: true,
  completes: ["task"],
  examples: [
    { line: "berth tasks ps web", does: "the pids of its processes on this host" },
    { line: "berth tasks ps --watch web", does: "drawn anew every two seconds" },
  ],
  run: async ({ client, request, output }, [id = ""]) => {
    output.list(await client.tasks.pids(request, id), {
      style: { lastColumn: "bare" },
      id: ({ pid }) => String(pid),
      columns: [
        { title: "PID", text: ({ pid }) => String(pid) },
        { title: "INFO", text: (process) => execIdOf(process) ?? "-" },
      ],
      json: (process) => ({ pid: process.pid, execId: execIdOf(process) }),
    });
  },
});
