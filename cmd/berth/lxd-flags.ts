// System containers of LXD: what of the flags LXD has its own settings for, and the record that the others make.
import { LXD_RUNTIME, lxdOptions } from "../../api/client/lxd-options.js";
import type { SpecOptions } from "../../api/client/spec/create-spec.js";
import { createDockerSpec } from "../../api/client/spec/docker-spec.js";
import type { NewContainer } from "../../api/core/container.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import type { ContainerFlags, Target } from "./container-request.js";
import { readEngineOptions } from "./engine-options.js";
import { UsageError } from "./exit-status.js";
import { parseLabels, withoutDashes } from "./flags.js";
import { ISOLATION_FLAGS } from "./isolation-flags.js";
import { envOf } from "./process-flags.js";

/** Flags about what LXD, its image or its settings decide, as they are written. */
const LXDS_OWN: readonly (readonly [keyof ContainerFlags, string])[] = [
  ["rootfs", "--rootfs"],
  ["config", "--config"],
  ["snapshotter", "--snapshotter"],
  ["snapshotterLabel", "--snapshotter-label"],
  ["platform", "--platform"],
  ["pull", "--pull"],
  ["plainHttp", "--plain-http"],
  ["skipVerify", "--skip-verify"],
  ["hostsDir", "--hosts-dir"],
  ["cwd", "--cwd"],
  ["mount", "--mount"],
  ["netHost", "--net-host"],
  ["privileged", "--privileged"],
  ["readOnly", "--read-only"],
  ["withNs", "--with-ns"],
  ["allowNewPrivs", "--allow-new-privs"],
  ["device", "--device"],
  ["capAdd", "--cap-add"],
  ["capDrop", "--cap-drop"],
  ["user", "--user"],
  ["hostname", "--hostname"],
  ["cgroup", "--cgroup"],
  ["rootfsPropagation", "--rootfs-propagation"],
  ["cni", "--cni"],
  ...ISOLATION_FLAGS,
];

export const isLxdRuntime = (runtime: string): boolean => runtime === LXD_RUNTIME;

/** The arguments: an alias of LXD's, an id, and what is to run in the place of the image's init. @throws UsageError. */
export function lxdTarget(flags: ContainerFlags, words: readonly string[]): Target {
  const given = LXDS_OWN.filter(([name]) => flags[name] !== undefined && flags[name] !== false);
  if (given.length > 0) {
    const names = given.map(([, flag]) => flag).join(", ");
    throw new UsageError(`${names}: with runtime ${flags.runtime} that is LXD's to set (--runtime-config-path)`);
  }
  const [source = "", id = "", ...rest] = words;
  if (source === "") throw new UsageError("image alias must be provided");
  if (id === "") throw new UsageError("container id must be provided");
  return { kind: "lxd", source, id, args: withoutDashes(rest) };
}

/** The record. `own` are the options of its spec that do not depend on an image. */
export async function lxdContainerOf(
  flags: ContainerFlags,
  { source, id, args }: Target,
  own: Omit<SpecOptions, "rootfs" | "args">,
): Promise<NewContainer> {
  const { runtime: name, runtimeConfigPath } = flags;
  const options = {
    ...(runtimeConfigPath === undefined ? {} : await readEngineOptions(runtimeConfigPath)),
    ...(args.length > 0 && { init: args }),
  };
  return {
    id,
    labels: parseLabels(flags.label ?? []),
    image: source,
    runtime: { name, options: lxdOptions(options) },
    spec: anyOfJson(SPEC_TYPE, createDockerSpec({ ...own, args, env: await envOf(flags) })),
  };
}
