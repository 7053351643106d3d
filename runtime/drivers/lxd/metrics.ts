// What LXD tells of an instance's use of the host, as the messages that containerd's shims answer with: those of the host's version of
// control groups.
import { existsSync } from "node:fs";
import { type Any, anyOfMessage } from "../../../api/core/typeurl.js";
import {
  CPUStat,
  MemoryEntry,
  MemoryStat,
  Metrics,
  NetworkStat,
  PidsStat,
} from "../../../api/gen/cgroups/v1/metrics.js";
import {
  CPUStat as CPUStatV2,
  MemoryStat as MemoryStatV2,
  Metrics as MetricsV2,
  PidsStat as PidsStatV2,
} from "../../../api/gen/cgroups/v2/metrics.js";
import type { LxdInstanceState } from "../../lxd/instances.js";

const NS_PER_US = 1_000n;

const isVersion2 = (): boolean => existsSync("/sys/fs/cgroup/cgroup.controllers");

/** @returns undefined for an instance that does not run. */
export function metricsOf(state: LxdInstanceState, isV2 = isVersion2()): Any | undefined {
  if (state.pid === 0) return undefined;
  return isV2 ? v2Metrics(state) : v1Metrics(state);
}

function v1Metrics({ cpu, memory, processes, network }: LxdInstanceState): Any {
  const metrics = Metrics.fromPartial({
    pids: PidsStat.fromPartial({ current: count(processes) }),
    cpu: CPUStat.fromPartial({ usage: { total: count(cpu.usage) } }),
    memory: MemoryStat.fromPartial({
      usage: MemoryEntry.fromPartial({ usage: count(memory.usage), max: count(memory.usage_peak) }),
      swap: MemoryEntry.fromPartial({ usage: count(memory.swap_usage), max: count(memory.swap_usage_peak) }),
    }),
    network: Object.entries(network ?? {}).map(([name, { counters }]) =>
      NetworkStat.fromPartial({
        name,
        rxBytes: count(counters.bytes_received),
        rxPackets: count(counters.packets_received),
        rxErrors: count(counters.errors_received),
        rxDropped: count(counters.packets_dropped_inbound),
        txBytes: count(counters.bytes_sent),
        txPackets: count(counters.packets_sent),
        txErrors: count(counters.errors_sent),
        txDropped: count(counters.packets_dropped_outbound),
      }),
    ),
  });
  return anyOfMessage("io.containerd.cgroups.v1.Metrics", Metrics, metrics);
}

function v2Metrics({ cpu, memory, processes }: LxdInstanceState): Any {
  const metrics = MetricsV2.fromPartial({
    pids: PidsStatV2.fromPartial({ current: count(processes) }),
    cpu: CPUStatV2.fromPartial({ usageUsec: count(cpu.usage) / NS_PER_US }),
    memory: MemoryStatV2.fromPartial({ usage: count(memory.usage), swapUsage: count(memory.swap_usage) }),
  });
  return anyOfMessage("io.containerd.cgroups.v2.Metrics", MetricsV2, metrics);
}

/** LXD says -1 for what it does not know. */
const count = (value: number): bigint => BigInt(Math.max(0, Math.trunc(value)));
