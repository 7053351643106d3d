// Docker's stats of a host with version 1 of control groups.
// @source moby daemon/stats/collector.go, daemon/daemon_unix.go (statsV1: which file gives which field)
import { type Any, anyOfMessage } from "../../../../api/core/typeurl.js";
import {
  BlkIOStat,
  CPUStat,
  MemoryEntry,
  MemoryStat,
  Metrics,
  NetworkStat,
  PidsStat,
} from "../../../../api/gen/cgroups/v1/metrics.js";
import type { DockerStats } from "./stats-schema.js";

export const V1_METRICS = "io.containerd.cgroups.v1.Metrics";

/** From here on a limit of processes says "none", which containerd writes as 0. */
const UNLIMITED_FROM = 2n ** 63n;

export function v1Metrics(stats: DockerStats): Any {
  const { current, limit } = stats.pids_stats;
  const metrics = Metrics.fromPartial({
    pids: PidsStat.fromPartial({ current, limit: limit >= UNLIMITED_FROM ? 0n : limit }),
    cpu: cpuOf(stats),
    memory: memoryOf(stats),
    blkio: BlkIOStat.fromPartial({
      ioServicedRecursive: stats.blkio_stats.io_serviced_recursive,
      ioServiceBytesRecursive: stats.blkio_stats.io_service_bytes_recursive,
    }),
    network: networksOf(stats),
  });
  return anyOfMessage(V1_METRICS, Metrics, metrics);
}

const cpuOf = ({ cpu_stats: { cpu_usage, throttling_data } }: DockerStats): CPUStat =>
  CPUStat.fromPartial({
    usage: {
      total: cpu_usage.total_usage,
      kernel: cpu_usage.usage_in_kernelmode,
      user: cpu_usage.usage_in_usermode,
      perCpu: cpu_usage.percpu_usage,
    },
    throttling: {
      periods: throttling_data.periods,
      throttledPeriods: throttling_data.throttled_periods,
      throttledTime: throttling_data.throttled_time,
    },
  });

function memoryOf({ memory_stats: { usage, max_usage, failcnt, limit, stats } }: DockerStats): MemoryStat {
  const count = (name: string): bigint => stats.get(name) ?? 0n;
  return MemoryStat.fromPartial({
    cache: count("cache"),
    rss: count("rss"),
    rssHuge: count("rss_huge"),
    mappedFile: count("mapped_file"),
    dirty: count("dirty"),
    writeback: count("writeback"),
    pgPgIn: count("pgpgin"),
    pgPgOut: count("pgpgout"),
    pgFault: count("pgfault"),
    pgMajFault: count("pgmajfault"),
    inactiveAnon: count("inactive_anon"),
    activeAnon: count("active_anon"),
    inactiveFile: count("inactive_file"),
    activeFile: count("active_file"),
    unevictable: count("unevictable"),
    hierarchicalMemoryLimit: count("hierarchical_memory_limit"),
    hierarchicalSwapLimit: count("hierarchical_memsw_limit"),
    totalCache: count("total_cache"),
    totalRss: count("total_rss"),
    totalRssHuge: count("total_rss_huge"),
    totalMappedFile: count("total_mapped_file"),
    totalDirty: count("total_dirty"),
    totalWriteback: count("total_writeback"),
    totalPgPgIn: count("total_pgpgin"),
    totalPgPgOut: count("total_pgpgout"),
    totalPgFault: count("total_pgfault"),
    totalPgMajFault: count("total_pgmajfault"),
    totalInactiveAnon: count("total_inactive_anon"),
    totalActiveAnon: count("total_active_anon"),
    totalInactiveFile: count("total_inactive_file"),
    totalActiveFile: count("total_active_file"),
    totalUnevictable: count("total_unevictable"),
    usage: MemoryEntry.fromPartial({
      usage,
      max: max_usage,
      failcnt,
      // Docker puts the host's memory where there is no limit.
      limit: stats.get("hierarchical_memory_limit") ?? limit,
    }),
  });
}

const networksOf = ({ networks }: DockerStats): NetworkStat[] =>
  [...networks].map(([name, counts]) =>
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
  );
