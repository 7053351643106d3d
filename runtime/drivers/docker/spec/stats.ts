// What Docker tells of a container's use of the host, as the messages that containerd's shims answer with.
import { unknownError } from "../../../../api/core/errors.js";
import type { Any } from "../../../../api/core/typeurl.js";
import { statsSchema } from "./stats-schema.js";
import { v1Metrics } from "./stats-v1.js";
import { v2Metrics } from "./stats-v2.js";

/** Of the second version of control groups alone. */
const V2_COUNTER = "anon";

/**
 * Metrics of the host's version of control groups.
 * @param stats one answer of `GET /containers/ID/stats`, as JSON gave it.
 * @returns undefined for a container that has none because it does not run.
 * @throws unknown for what are no stats.
 */
export function metricsOf(stats: unknown): Any | undefined {
  const parsed = statsSchema.safeParse(stats);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    throw unknownError(`docker's stats cannot be read: ${faults.join("; ")}`);
  }
  const { memory_stats, cpu_stats } = parsed.data;
  if (memory_stats.stats.size === 0 && cpu_stats.cpu_usage.total_usage === 0n) return undefined;
  return memory_stats.stats.has(V2_COUNTER) ? v2Metrics(parsed.data) : v1Metrics(parsed.data);
}
