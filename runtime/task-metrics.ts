// Metrics of many tasks: asked side by side, and who does not answer in time is left out.
// @source containerd services/tasks/local.go (getTasksMetrics)
import { isNotFound, unknownError } from "../api/core/errors.js";
import { type Adaptor, parseFilters } from "../api/core/filters/index.js";
import type { Logger } from "../api/core/log.js";
import type { TaskMetrics } from "../api/core/task.js";
import type { Clock } from "../api/core/time.js";
import type { DriverTask } from "./driver.js";

function adaptorOf(task: DriverTask): Adaptor {
  return ([field]) => {
    if (field === "id") return task.id;
    return field === "namespace" ? task.namespace : undefined;
  };
}

/** @throws kind unknown for a filter that cannot be read, as containerd does here and only here. */
export async function collectMetrics(
  tasks: readonly DriverTask[],
  filters: readonly string[],
  deps: { readonly clock: Clock; readonly log: Logger },
  signal: AbortSignal | undefined,
): Promise<TaskMetrics[]> {
  const filter = readFilters(filters);
  const collect = async (task: DriverTask): Promise<TaskMetrics | undefined> => {
    const timestampNs = deps.clock();
    try {
      return { id: task.id, timestampNs, data: await task.stats(signal) };
    } catch (err) {
      if (!isNotFound(err)) deps.log.warn({ err, namespace: task.namespace, id: task.id }, "no metrics of a task");
      return undefined;
    }
  };
  const matching = tasks.filter((task) => filter.match(adaptorOf(task)));
  const collected = await Promise.all(matching.map(collect));
  return collected.filter((metrics) => metrics !== undefined);
}

function readFilters(filters: readonly string[]): ReturnType<typeof parseFilters> {
  try {
    return parseFilters(filters);
  } catch (error) {
    throw unknownError(error instanceof Error ? error.message : String(error), error);
  }
}
