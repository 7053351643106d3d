// What Docker tells of a container's use of the host, as the messages that containerd's shims answer with.
import { unknownError } from "../../../../api/core/errors.js";
import type { Any } from "../../../../api/core/typeurl.js";
import { statsSchema } from "./stats-schema.js";
import { v1Metrics } from "./stats-v1.js";
import { v2Metrics } from "./stats-v2.js";

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
  // Only version 1 counts by processor. Podman tells nothing else that differs.
  return cpu_stats.cpu_usage.percpu_usage.length > 0 ? v1Metrics(parsed.data) : v2Metrics(parsed.data);
}
