// What the files of version 1 tell about a task's use of the host.
// @source containerd/cgroups (which file gives which field)
import { readFile } from "node:fs/promises";
import { type Any, anyOfMessage } from "../../api/core/typeurl.js";
import {
  type BlkIOEntry,
  BlkIOStat,
  CPUStat,
  MemoryEntry,
  MemoryOomControl,
  MemoryStat,
  Metrics,
  PidsStat,
} from "../../api/gen/cgroups/v1/metrics.js";
import { readIfThere } from "./cgroup-folder.js";
import { countersOf, uintOf, uintsOf } from "./cgroup-text.js";

export const V1_METRICS = "io.containerd.cgroups.v1.Metrics";
/** The unit of cpuacct.stat: the kernel tells user space hundredths of a second, on every architecture that Node runs on. */
const NS_PER_TICK = 10_000_000n;

/** By controller, the task's group; undefined for a controller that is not there. */
export type GroupOf = (controller: string) => string | undefined;

/** Messages of controllers that the host does not have are left out. */
export async function readV1Stats(groupOf: GroupOf): Promise<Any> {
  const [pids, cpu, memory, blkio, memoryOomControl] = await Promise.all([
    ifThere(groupOf("pids"), readPids),
    readCpu(groupOf("cpu"), groupOf("cpuacct")),
    ifThere(groupOf("memory"), readMemory),
    ifThere(groupOf("blkio"), readBlkio),
    ifThere(groupOf("memory"), readOomControl),
  ]);
  return anyOfMessage(V1_METRICS, Metrics, Metrics.fromPartial({ pids, cpu, memory, blkio, memoryOomControl }));
}

const ifThere = async <T>(folder: string | undefined, read: (folder: string) => Promise<T>): Promise<T | undefined> =>
  folder === undefined ? undefined : await read(folder);

async function readPids(folder: string): Promise<PidsStat> {
  const [current, limit] = await Promise.all([readIfThere(folder, "pids.current"), readIfThere(folder, "pids.max")]);
  return PidsStat.fromPartial({ current: uintOf(current), limit: limit?.trim() === "max" ? 0n : uintOf(limit) });
}

async function readCpu(cpu: string | undefined, cpuacct: string | undefined): Promise<CPUStat> {
  const [throttle, total, perCpu, stat] = await Promise.all([
    ifThere(cpu, async (folder) => countersOf(await readIfThere(folder, "cpu.stat"))),
    ifThere(cpuacct, async (folder) => await readIfThere(folder, "cpuacct.usage")),
    ifThere(cpuacct, async (folder) => await readIfThere(folder, "cpuacct.usage_percpu")),
    ifThere(cpuacct, async (folder) => countersOf(await readIfThere(folder, "cpuacct.stat"))),
  ]);
  return CPUStat.fromPartial({
    ...(stat !== undefined && {
      usage: {
        total: uintOf(total),
        kernel: stat("system") * NS_PER_TICK,
        user: stat("user") * NS_PER_TICK,
        perCpu: uintsOf(perCpu),
      },
    }),
    ...(throttle !== undefined && {
      throttling: {
        periods: throttle("nr_periods"),
        throttledPeriods: throttle("nr_throttled"),
        throttledTime: throttle("throttled_time"),
      },
    }),
  });
}

async function readMemory(folder: string): Promise<MemoryStat> {
  const [stat, usage, swap, kernel, kernelTcp] = await Promise.all([
    readIfThere(folder, "memory.stat").then(countersOf),
    readMemoryEntry(folder, "memory"),
    readMemoryEntry(folder, "memory.memsw"),
    readMemoryEntry(folder, "memory.kmem"),
    readMemoryEntry(folder, "memory.kmem.tcp"),
  ]);
  return MemoryStat.fromPartial({
    cache: stat("cache"),
    rss: stat("rss"),
    rssHuge: stat("rss_huge"),
    mappedFile: stat("mapped_file"),
    dirty: stat("dirty"),
    writeback: stat("writeback"),
    pgPgIn: stat("pgpgin"),
    pgPgOut: stat("pgpgout"),
    pgFault: stat("pgfault"),
    pgMajFault: stat("pgmajfault"),
    inactiveAnon: stat("inactive_anon"),
    activeAnon: stat("active_anon"),
    inactiveFile: stat("inactive_file"),
    activeFile: stat("active_file"),
    unevictable: stat("unevictable"),
    hierarchicalMemoryLimit: stat("hierarchical_memory_limit"),
    hierarchicalSwapLimit: stat("hierarchical_memsw_limit"),
    totalCache: stat("total_cache"),
    totalRss: stat("total_rss"),
    totalRssHuge: stat("total_rss_huge"),
    totalMappedFile: stat("total_mapped_file"),
    totalDirty: stat("total_dirty"),
    totalWriteback: stat("total_writeback"),
    totalPgPgIn: stat("total_pgpgin"),
    totalPgPgOut: stat("total_pgpgout"),
    totalPgFault: stat("total_pgfault"),
    totalPgMajFault: stat("total_pgmajfault"),
    totalInactiveAnon: stat("total_inactive_anon"),
    totalActiveAnon: stat("total_active_anon"),
    totalInactiveFile: stat("total_inactive_file"),
    totalActiveFile: stat("total_active_file"),
    totalUnevictable: stat("total_unevictable"),
    usage,
    swap,
    kernel,
    kernelTcp,
  });
}

async function readMemoryEntry(folder: string, prefix: string): Promise<MemoryEntry | undefined> {
  const [limit, usage, max, failcnt] = await Promise.all(
    ["limit_in_bytes", "usage_in_bytes", "max_usage_in_bytes", "failcnt"].map(
      async (name) => await readIfThere(folder, `${prefix}.${name}`),
    ),
  );
  if (usage === undefined) return undefined;
  return MemoryEntry.fromPartial({
    limit: uintOf(limit),
    usage: uintOf(usage),
    max: uintOf(max),
    failcnt: uintOf(failcnt),
  });
}

async function readOomControl(folder: string): Promise<MemoryOomControl> {
  const stat = countersOf(await readIfThere(folder, "memory.oom_control"));
  return MemoryOomControl.fromPartial({
    oomKillDisable: stat("oom_kill_disable"),
    underOom: stat("under_oom"),
    oomKill: stat("oom_kill"),
  });
}

async function readBlkio(folder: string): Promise<BlkIOStat> {
  const [serviced, bytes, disks] = await Promise.all([
    readIfThere(folder, "blkio.throttle.io_serviced"),
    readIfThere(folder, "blkio.throttle.io_service_bytes"),
    readFile("/proc/diskstats", "utf8").catch(() => ""),
  ]);
  const devices = deviceNames(disks);
  return BlkIOStat.fromPartial({
    ioServicedRecursive: blkioEntries(serviced, devices),
    ioServiceBytesRecursive: blkioEntries(bytes, devices),
  });
}

/** Lines such as `8:0 Read 4096`; the one of the total names no device. */
export function blkioEntries(text: string | undefined, devices: ReadonlyMap<string, string>): BlkIOEntry[] {
  const entries: BlkIOEntry[] = [];
  for (const line of (text ?? "").split("\n")) {
    const [, major, minor, op, value] = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line) ?? [];
    if (major === undefined || minor === undefined) continue;
    const device = devices.get(`${major}:${minor}`) ?? "";
    entries.push({ op: op ?? "", device, major: BigInt(major), minor: BigInt(minor), value: uintOf(value) });
  }
  return entries;
}

function deviceNames(disks: string): Map<string, string> {
  const names = new Map<string, string>();
  for (const line of disks.split("\n")) {
    const [major, minor, name] = line.trim().split(/\s+/);
    if (name !== undefined) names.set(`${major}:${minor}`, `/dev/${name}`);
  }
  return names;
}
