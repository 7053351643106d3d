// Docker's stats of a host with version 2 of control groups.
// @source moby daemon/daemon_unix.go (statsV2: which counter comes from where, in which unit)
import { type Any, anyOfMessage } from "../../../../api/core/typeurl.js";
import {
  CPUStat,
  IOEntry,
  IOStat,
  MemoryStat,
  Metrics,
  NetworkStat,
  PidsStat,
} from "../../../../api/gen/cgroups/v2/metrics.js";
import type { DockerStats } from "./stats-schema.js";

export const V2_METRICS = "io.containerd.cgroups.v2.Metrics";

const NS_PER_US = 1000n;

/** Docker does not pass on what it knows of swap, of operations on disks, and of what happened to the memory. */
export function v2Metrics(stats: DockerStats): Any {
  const { cpu_usage, throttling_data } = stats.cpu_stats;
  const { current, limit } = stats.pids_stats;
  const metrics = Metrics.fromPartial({
    pids: PidsStat.fromPartial({ current, limit }),
    cpu: CPUStat.fromPartial({
      usageUsec: cpu_usage.total_usage / NS_PER_US,
      userUsec: cpu_usage.usage_in_usermode / NS_PER_US,
      systemUsec: cpu_usage.usage_in_kernelmode / NS_PER_US,
      nrPeriods: throttling_data.periods,
      nrThrottled: throttling_data.throttled_periods,
      throttledUsec: throttling_data.throttled_time / NS_PER_US,
    }),
    memory: memoryOf(stats),
    io: IOStat.fromPartial({ usage: disksOf(stats) }),
    network: [...stats.networks].map(([name, counts]) =>
      NetworkStat.fromPartial({
        name,
        rxBytes: counts.rx_bytes,
        rxPackets: counts.rx_packets,
        rxErrors: counts.rx_errors,
        rxDropped: counts.rx_dropped,
        txBytes: counts.tx_bytes,
        txPackets: counts.tx_packets,
        txErrors: counts.tx_errors,
        txDropped: counts.tx_dropped,
      }),
    ),
  });
  return anyOfMessage(V2_METRICS, Metrics, metrics);
}

function memoryOf({ memory_stats: { usage, limit, stats } }: DockerStats): MemoryStat {
  const count = (name: string): bigint => stats.get(name) ?? 0n;
  return MemoryStat.fromPartial({
    anon: count("anon"),
    file: count("file"),
    kernelStack: count("kernel_stack"),
    slab: count("slab"),
    sock: count("sock"),
    shmem: count("shmem"),
    fileMapped: count("file_mapped"),
    fileDirty: count("file_dirty"),
    fileWriteback: count("file_writeback"),
    anonThp: count("anon_thp"),
    inactiveAnon: count("inactive_anon"),
    activeAnon: count("active_anon"),
    inactiveFile: count("inactive_file"),
    activeFile: count("active_file"),
    unevictable: count("unevictable"),
    slabReclaimable: count("slab_reclaimable"),
    slabUnreclaimable: count("slab_unreclaimable"),
    pgfault: count("pgfault"),
    pgmajfault: count("pgmajfault"),
    workingsetRefault: count("workingset_refault"),
    workingsetActivate: count("workingset_activate"),
    workingsetNodereclaim: count("workingset_nodereclaim"),
    pgrefill: count("pgrefill"),
    pgscan: count("pgscan"),
    pgsteal: count("pgsteal"),
    pgactivate: count("pgactivate"),
    pgdeactivate: count("pgdeactivate"),
    pglazyfree: count("pglazyfree"),
    pglazyfreed: count("pglazyfreed"),
    thpFaultAlloc: count("thp_fault_alloc"),
    thpCollapseAlloc: count("thp_collapse_alloc"),
    usage,
    usageLimit: limit,
  });
}

/** One entry for each disk, of two by direction. */
function disksOf({ blkio_stats }: DockerStats): IOEntry[] {
  const entries = new Map<string, IOEntry>();
  for (const { major, minor, op, value } of blkio_stats.io_service_bytes_recursive) {
    const key = `${major}:${minor}`;
    const entry = entries.get(key) ?? IOEntry.fromPartial({ major, minor });
    entries.set(key, entry);
    if (op.toLowerCase() === "read") entry.rbytes += value;
    if (op.toLowerCase() === "write") entry.wbytes += value;
  }
  return [...entries.values()];
}
