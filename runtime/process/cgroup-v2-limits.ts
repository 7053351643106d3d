// Limits as the files of version 2 want them.
// @source opencontainers/runc libcontainer/cgroups/fs2 (how values of version 1 become those of version 2, what 0 and -1 mean)
import { invalidArgument } from "../../api/core/errors.js";
import { type GroupSetting, isGiven } from "./cgroup-v1-limits.js";
import type { LinuxResources } from "./resources.js";

const DEFAULT_PERIOD_US = 100_000;
/** The ranges of `cpu.shares` and of `cpu.weight`, as far as one becomes the other. */
const SHARES = { least: 2, span: 262_142 };
const WEIGHT = { least: 1, span: 9_999 };

/**
 * @param currentCpuMax what `cpu.max` says now: a period alone leaves the quota as it is.
 * @throws invalid_argument for swap without a limit of memory, or for less than that.
 */
export function v2Settings({ memory, cpu, pids }: LinuxResources, currentCpuMax = "max"): GroupSetting[] {
  const settings: GroupSetting[] = [];
  const set = (controller: string, file: string, value: string) =>
    settings.push({ controller, file: `${controller}.${file}`, value });
  const swap = swapMax(memory);
  if (swap !== undefined) set("memory", "swap.max", swap);
  if (isGiven(memory?.limit)) set("memory", "max", maxOf(memory.limit));
  if (isGiven(memory?.reservation)) set("memory", "low", maxOf(memory.reservation));
  if (isGiven(cpu?.shares)) set("cpu", "weight", String(weightOf(cpu.shares)));
  if (isGiven(cpu?.quota) || isGiven(cpu?.period)) set("cpu", "max", cpuMax(cpu, currentCpuMax));
  if (cpu?.cpus) set("cpuset", "cpus", cpu.cpus);
  if (cpu?.mems) set("cpuset", "mems", cpu.mems);
  if (isGiven(pids?.limit)) set("pids", "max", maxOf(pids.limit));
  return settings;
}

const maxOf = (value: number): string => (value > 0 ? String(value) : "max");

function weightOf(shares: number): number {
  const share = Math.max(0, Math.min(shares - SHARES.least, SHARES.span));
  return WEIGHT.least + Math.floor((share * WEIGHT.span) / SHARES.span);
}

function cpuMax({ quota, period }: NonNullable<LinuxResources["cpu"]>, current: string): string {
  const [currentQuota = "max", currentPeriod = String(DEFAULT_PERIOD_US)] = current.trim().split(" ");
  const wanted = isGiven(quota) ? maxOf(quota) : currentQuota;
  return `${wanted} ${isGiven(period) ? period : currentPeriod}`;
}

/** The specification counts memory and swap together, version 2 swap alone. */
function swapMax(memory: LinuxResources["memory"]): string | undefined {
  const { limit, swap } = memory ?? {};
  // Memory without a limit goes with swap without one.
  if (!isGiven(swap)) return limit === -1 ? "max" : undefined;
  if (swap === -1) return "max";
  if (!isGiven(limit) || limit === -1) throw invalidArgument("unable to set swap limit without memory limit");
  if (swap < limit) throw invalidArgument("memory+swap limit should be >= memory limit");
  return String(swap - limit);
}
