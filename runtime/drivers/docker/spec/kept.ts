// What a Docker engine leaves out of a container that it makes all the same: limits that its kernel does not have, it drops with a
// warning; security modules that its host does not have, without one.
import type { ContainerBody, HostConfig } from "../../../docker/container-body.js";

/** What the engine itself says of a container shows whether they are kept. */
const LIMITS = [
  "Memory",
  "MemorySwap",
  "MemoryReservation",
  "MemorySwappiness",
  "OomKillDisable",
  "CpuShares",
  "CpuQuota",
  "CpuPeriod",
  "CpuRealtimeRuntime",
  "CpuRealtimePeriod",
  "CpusetCpus",
  "CpusetMems",
  "PidsLimit",
  "BlkioWeight",
  "BlkioWeightDevice",
  "BlkioDeviceReadBps",
  "BlkioDeviceWriteBps",
  "BlkioDeviceReadIOps",
  "BlkioDeviceWriteIOps",
] as const;
/** By the options of a container, the modules as the engine's info names them. */
const SECURITY = [
  { option: "apparmor=", module: "apparmor" },
  { option: "label=", module: "selinux" },
  { option: "seccomp=", module: "seccomp" },
] as const;

/** Security modules that a container is to be confined by, beside what the engine does anyway. */
export function wantedModules(asked: ContainerBody): readonly string[] {
  const given: unknown = asked.HostConfig?.SecurityOpt;
  const options = Array.isArray(given) ? given.map(String) : [];
  return SECURITY.filter(({ option }) => options.some((text) => text.startsWith(option))).map(({ module }) => module);
}

/** @param engineOptions `SecurityOptions` of the engine's info, such as `name=seccomp,profile=default`. */
export function missingModules(wanted: readonly string[], engineOptions: readonly string[]): readonly string[] {
  const has = engineOptions.map((option) => /^name=([^,]+)/.exec(option)?.[1] ?? option);
  return wanted.filter((module) => !has.includes(module));
}

/** Names of the limits that are to be kept: only then is it worth a look at what was made. */
export const wantedLimits = ({ HostConfig: asked = {} }: ContainerBody): readonly Limit[] =>
  LIMITS.filter((name) => asked[name] !== undefined);

type Limit = (typeof LIMITS)[number];

/** @param made the `HostConfig` of the container's inspection. */
export function lostLimits({ HostConfig: asked = {} }: ContainerBody, made: HostConfig): readonly string[] {
  return LIMITS.filter((name) => isLimit(asked[name]) && JSON.stringify(made[name]) !== JSON.stringify(asked[name]));
}

/** -1 is for none, which an engine may write in other ways. */
const isLimit = (value: unknown): boolean => value !== undefined && !(typeof value === "number" && value < 0);
