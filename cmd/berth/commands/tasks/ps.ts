// berth tasks ps: the processes in a task, by their pids on this host.

import { RuncProcessDetails } from "../../../../api/client/payloads.js";
import type { ProcessInfo } from "../../../../api/core/task.js";
import { isTypeOf } from "../../../../api/core/typeurl.js";
import { defineCommand } from "../../command.js";

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

/** Processes that came by exec carry their id. */
function execIdOf({ info }: ProcessInfo): string | undefined {
  if (info === undefined) return undefined;
  return isTypeOf(info, "containerd.runc.v1.ProcessDetails")
    ? RuncProcessDetails.decode(info.value).execId
    : info.typeUrl;
}
