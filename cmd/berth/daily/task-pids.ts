// The processes of a task that may end at any moment.
import type { Client } from "../../../api/client/connect.js";
import type { RequestContext } from "../../../api/core/context.js";
import { isNotFound } from "../../../api/core/errors.js";
import type { ProcessInfo, ProcessState } from "../../../api/core/task.js";

export const isAlive = ({ status }: Pick<ProcessState, "status">): boolean =>
  status === "running" || status === "paused" || status === "pausing";

/** None when it has ended since it was listed. */
export async function pidsOf(
  { tasks }: Pick<Client, "tasks">,
  request: RequestContext,
  id: string,
): Promise<ProcessInfo[]> {
  try {
    return await tasks.pids(request, id);
  } catch (error) {
    if (await isRunning(tasks, request, id)) throw error;
    // It has ended since it was listed.
    return [];
  }
}

async function isRunning(tasks: Client["tasks"], request: RequestContext, id: string): Promise<boolean> {
  try {
    return isAlive(await tasks.get(request, id, ""));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return false;
  }
}
