// Limits of memory, processor, processes and disks, as Docker has them.

import type { HostConfig } from "../../../docker/container-body.js";
import { diskPath } from "./host-devices.js";
import type { Asked, Part } from "./part.js";
import type { LinuxResources } from "./resources-schema.js";

export type FindDisk = (major: number, minor: number) => string | undefined;

/** 0 says nothing, as it does to runc. */
export const isGiven = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && value !== 0;
/** To Docker and to the OCI. */
export const UNLIMITED = -1;
/** Some clients write the largest number of bytes there is instead. */
const UNLIMITED_FROM = 2 ** 62;

const isLimit = (value: number | null | undefined): value is number =>
  isGiven(value) && value > 0 && value < UNLIMITED_FROM;

export function translateLimits({ spec: { linux } }: Asked, find: FindDisk = diskPath): Part {
  const resources = linux?.resources ?? {};
  const disks = diskLimits(resources.blockIO, find);
  return {
    host: { ...memoryLimits(resources.memory), ...plainLimits(resources), ...disks.host },
    refused: disks.refused ?? [],
  };
}

function memoryLimits(memory: LinuxResources["memory"]): HostConfig {
  const limit = isLimit(memory?.limit) ? memory.limit : undefined;
  const swap = isLimit(memory?.swap) ? memory.swap : undefined;
  return {
    ...(limit !== undefined && { Memory: limit }),
    // Without a word Docker allows twice the memory; a spec that says nothing limits nothing.
    ...((swap !== undefined || limit !== undefined) && { MemorySwap: swap ?? UNLIMITED }),
    ...(isLimit(memory?.reservation) && { MemoryReservation: memory.reservation }),
    ...(memory?.swappiness != null && { MemorySwappiness: memory.swappiness }),
    ...(memory?.disableOOMKiller === true && { OomKillDisable: true }),
  };
}

/** What Docker can also change later. */
export function plainLimits({ cpu, pids, blockIO }: LinuxResources): HostConfig {
  return {
    ...(isGiven(cpu?.shares) && { CpuShares: cpu.shares }),
    ...(isGiven(cpu?.quota) && { CpuQuota: cpu.quota }),
    ...(isGiven(cpu?.period) && { CpuPeriod: cpu.period }),
    ...(isGiven(cpu?.realtimeRuntime) && { CpuRealtimeRuntime: cpu.realtimeRuntime }),
    ...(isGiven(cpu?.realtimePeriod) && { CpuRealtimePeriod: cpu.realtimePeriod }),
    ...(cpu?.cpus && { CpusetCpus: cpu.cpus }),
    ...(cpu?.mems && { CpusetMems: cpu.mems }),
    ...(isGiven(pids?.limit) && { PidsLimit: pids.limit > 0 ? pids.limit : UNLIMITED }),
    ...(isGiven(blockIO?.weight) && { BlkioWeight: blockIO.weight }),
  };
}

/** Docker knows disks by path, the OCI by number. */
function diskLimits(blockIO: LinuxResources["blockIO"], find: FindDisk): Part {
  const refused: string[] = [];
  const byPath = <T>(
    member: string,
    list: readonly { major: number; minor: number; value: number | null | undefined }[],
    make: (path: string, value: number) => T,
  ): T[] =>
    list.flatMap(({ major, minor, value }) => {
      const path = find(major, minor);
      if (!isGiven(value)) return [];
      if (path !== undefined) return [make(path, value)];
      refused.push(`linux.resources.blockIO.${member} (no disk ${major}:${minor} on this host)`);
      return [];
    });
  const rates = (member: "ReadBps" | "WriteBps" | "ReadIOPS" | "WriteIOPS") => {
    const name = `throttle${member}Device` as const;
    const list = (blockIO?.[name] ?? []).map(({ rate, ...device }) => ({ ...device, value: rate }));
    return byPath(name, list, (Path, Rate) => ({ Path, Rate }));
  };
  const weights = (blockIO?.weightDevice ?? []).map(({ weight, ...device }) => ({ ...device, value: weight }));
  const lists = {
    BlkioWeightDevice: byPath("weightDevice", weights, (Path, Weight) => ({ Path, Weight })),
    BlkioDeviceReadBps: rates("ReadBps"),
    BlkioDeviceWriteBps: rates("WriteBps"),
    BlkioDeviceReadIOps: rates("ReadIOPS"),
    BlkioDeviceWriteIOps: rates("WriteIOPS"),
  };
  return { host: Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0)), refused };
}
