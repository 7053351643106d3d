// What the files of version 2 tell about a task's use of the host.
// @source containerd/cgroups (which file gives which field; that every message is there, with zeros for controllers that are not)
import { type Any, anyOfMessage } from "../../api/core/typeurl.js";
import {
  CPUStat,
  IOEntry,
  IOStat,
  MemoryEvents,
  MemoryStat,
  Metrics,
  PidsStat,
} from "../../api/gen/cgroups/v2/metrics.js";
import { readIfThere } from "./cgroup-folder.js";
import { countersOf, uintOf } from "./cgroup-text.js";

export const V2_METRICS = "io.containerd.cgroups.v2.Metrics";

export async function readV2Stats(folder: string): Promise<Any> {
  const read = async (name: string) => await readIfThere(folder, name);
  const [current, limit, cpuStat, memory, ioStat, events] = await Promise.all([
    read("pids.current"),
    read("pids.max"),
    read("cpu.stat").then(countersOf),
    readMemory(folder),
    read("io.stat"),
    read("memory.events"),
  ]);
  const cpu = CPUStat.fromPartial({
    usageUsec: cpuStat("usage_usec"),
    userUsec: cpuStat("user_usec"),
    systemUsec: cpuStat("system_usec"),
    nrPeriods: cpuStat("nr_periods"),
    nrThrottled: cpuStat("nr_throttled"),
    throttledUsec: cpuStat("throttled_usec"),
  });
  const metrics = Metrics.fromPartial({
    pids: PidsStat.fromPartial({ current: uintOf(current), limit: uintOf(limit) }),
    cpu,
    memory,
    io: IOStat.fromPartial({ usage: ioEntries(ioStat) }),
    rdma: {},
    ...(events !== undefined && { memoryEvents: memoryEvents(events) }),
  });
  return anyOfMessage(V2_METRICS, Metrics, metrics);
}

async function readMemory(folder: string): Promise<MemoryStat> {
  const read = async (name: string) => await readIfThere(folder, name);
  const [text, usage, usageLimit, swapUsage, swapLimit] = await Promise.all([
    read("memory.stat"),
    read("memory.current"),
    read("memory.max"),
    read("memory.swap.current"),
    read("memory.swap.max"),
  ]);
  const stat = countersOf(text);
  return MemoryStat.fromPartial({
    anon: stat("anon"),
    file: stat("file"),
    kernelStack: stat("kernel_stack"),
    slab: stat("slab"),
    sock: stat("sock"),
    shmem: stat("shmem"),
    fileMapped: stat("file_mapped"),
    fileDirty: stat("file_dirty"),
    fileWriteback: stat("file_writeback"),
    anonThp: stat("anon_thp"),
    inactiveAnon: stat("inactive_anon"),
    activeAnon: stat("active_anon"),
    inactiveFile: stat("inactive_file"),
    activeFile: stat("active_file"),
    unevictable: stat("unevictable"),
    slabReclaimable: stat("slab_reclaimable"),
    slabUnreclaimable: stat("slab_unreclaimable"),
    pgfault: stat("pgfault"),
    pgmajfault: stat("pgmajfault"),
    workingsetRefault: stat("workingset_refault"),
    workingsetActivate: stat("workingset_activate"),
    workingsetNodereclaim: stat("workingset_nodereclaim"),
    pgrefill: stat("pgrefill"),
    pgscan: stat("pgscan"),
    pgsteal: stat("pgsteal"),
    pgactivate: stat("pgactivate"),
    pgdeactivate: stat("pgdeactivate"),
    pglazyfree: stat("pglazyfree"),
    pglazyfreed: stat("pglazyfreed"),
    thpFaultAlloc: stat("thp_fault_alloc"),
    thpCollapseAlloc: stat("thp_collapse_alloc"),
    usage: uintOf(usage),
    usageLimit: uintOf(usageLimit),
    swapUsage: uintOf(swapUsage),
    swapLimit: uintOf(swapLimit),
  });
}

function memoryEvents(text: string): MemoryEvents {
  const events = countersOf(text);
  return MemoryEvents.fromPartial({
    low: events("low"),
    high: events("high"),
    max: events("max"),
    oom: events("oom"),
    oomKill: events("oom_kill"),
    oomGroupKill: events("oom_group_kill"),
  });
}

/** Lines such as `8:0 rbytes=90112 wbytes=0 rios=22 wios=0`. */
function ioEntries(text: string | undefined): IOEntry[] {
  const entries: IOEntry[] = [];
  for (const line of (text ?? "").split("\n")) {
    const [device = "", ...pairs] = line.split(" ");
    const [, major, minor] = /^(\d+):(\d+)$/.exec(device) ?? [];
    if (major === undefined || minor === undefined) continue;
    const stat = countersOf(pairs.map((pair) => pair.replace("=", " ")).join("\n"));
    entries.push(
      IOEntry.fromPartial({
        major: BigInt(major),
        minor: BigInt(minor),
        rbytes: stat("rbytes"),
        wbytes: stat("wbytes"),
        rios: stat("rios"),
        wios: stat("wios"),
      }),
    );
  }
  return entries;
}
