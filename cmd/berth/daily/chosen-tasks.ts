// Which tasks a display is about: those of the containers that were named, or all that run.
import type { Client } from "../../../api/client/connect.js";
import type { RequestContext } from "../../../api/core/context.js";
import type { ProcessState } from "../../../api/core/task.js";
import { isAlive } from "./task-pids.js";

/** What is known of a container without a task. */
const NO_TASK: Omit<ProcessState, "containerId"> = {
  ...{ execId: "", pid: 0, status: "stopped", stdin: "", stdout: "", stderr: "", terminal: false },
  ...{ exitStatus: 0, exitedAtNs: undefined },
};

/** Sorted by id without names, else in their order. @throws not_found for a name that no container has. */
export async function chosenTasks(
  client: Pick<Client, "containers" | "tasks">,
  request: RequestContext,
  ids: readonly string[],
): Promise<ProcessState[]> {
  const tasks = await client.tasks.list(request);
  if (ids.length === 0) {
    return tasks.filter(isAlive).sort((a, b) => (a.containerId < b.containerId ? -1 : 1));
  }
  return await Promise.all(
    [...new Set(ids)].map(async (id) => {
      const found = tasks.find(({ containerId }) => containerId === id);
      if (found !== undefined) return found;
      await client.containers.get(request, id);
      return { ...NO_TASK, containerId: id };
    }),
  );
}
