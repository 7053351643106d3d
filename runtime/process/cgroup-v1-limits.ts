// Limits as the files of version 1 want them.
// @source opencontainers/runc libcontainer/cgroups/fs (order of memory and swap, what 0 and -1 mean)
import type { LinuxResources } from "./resources.js";

export interface GroupSetting {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
}

/** 0 says nothing, as it does to runc. */
export const isGiven = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && value !== 0;

/**
 * In the order in which they must be written.
 * @param currentSwapLimit bytes of memory and swap together that are allowed now. Memory may never exceed it.
 */
export function v1Settings(resources: LinuxResources, currentSwapLimit: bigint): GroupSetting[] {
  return [...memorySettings(resources.memory, currentSwapLimit), ...otherSettings(resources)];
}

function memorySettings(memory: LinuxResources["memory"], currentSwapLimit: bigint): GroupSetting[] {
  const { limit, reservation } = memory ?? {};
  // Memory without a limit needs room for as much: swap is unlimited then as well.
  const swap = limit === -1 && !isGiven(memory?.swap) ? -1 : memory?.swap;
  const set = (file: string, value: number | null | undefined): GroupSetting[] =>
    isGiven(value) ? [{ controller: "memory", file: `memory.${file}`, value: String(value) }] : [];
  const limitFirst = [set("limit_in_bytes", limit), set("memsw.limit_in_bytes", swap)];
  const isRaised = isGiven(swap) && (swap === -1 || BigInt(swap) > currentSwapLimit);
  return [...(isRaised ? limitFirst.reverse() : limitFirst).flat(), ...set("soft_limit_in_bytes", reservation)];
}

function otherSettings({ cpu, pids }: LinuxResources): GroupSetting[] {
  const settings: GroupSetting[] = [];
  const set = (controller: string, file: string, value: string | number) =>
    settings.push({ controller, file: `${controller}.${file}`, value: String(value) });
  if (isGiven(cpu?.shares)) set("cpu", "shares", cpu.shares);
  if (isGiven(cpu?.period)) set("cpu", "cfs_period_us", cpu.period);
  if (isGiven(cpu?.quota)) set("cpu", "cfs_quota_us", cpu.quota);
  if (cpu?.cpus) set("cpuset", "cpus", cpu.cpus);
  if (cpu?.mems) set("cpuset", "mems", cpu.mems);
  if (isGiven(pids?.limit)) set("pids", "max", pids.limit > 0 ? pids.limit : "max");
  return settings;
}
