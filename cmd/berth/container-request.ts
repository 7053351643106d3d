// What run and containers create are asked for: the flags as commander parses them, and what the arguments name.
import type { IsolationFlags } from "./isolation-flags.js";
import type { SnapshotterFlags } from "./snapshotter-flag.js";

export const PULL_POLICIES = ["missing", "always", "never"] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];

export interface ContainerFlags extends SnapshotterFlags, IsolationFlags {
  rootfs?: boolean;
  snapshotterLabel?: string[];
  platform?: string;
  /** undefined: `never`, on Docker what its engine does. */
  pull?: PullPolicy;
  plainHttp?: boolean;
  skipVerify?: boolean;
  hostsDir?: string;
  config?: string;
  cwd?: string;
  env?: string[];
  envFile?: string;
  label?: string[];
  /** undefined: whatever fits what is done with the container. */
  log?: "keep" | "none" | undefined;
  annotation?: string[];
  mount?: string[];
  netHost?: boolean;
  /** Of run alone. */
  cni?: boolean;
  network?: string;
  publish?: string[];
  privileged?: boolean;
  readOnly?: boolean;
  runtime: string;
  runtimeConfigPath?: string;
  tty?: boolean;
  withNs?: string[];
  allowNewPrivs?: boolean;
  memoryLimit?: number;
  device?: string[];
  capAdd?: string[];
  capDrop?: string[];
  user?: string;
  hostname?: string;
  cpus?: number;
  cpuShares: number;
  cpuQuota: number;
  cpuPeriod: number;
  cgroup?: string;
  rootfsPropagation?: string;
  runcBinary?: string;
  runcRoot?: string;
  runcSystemdCgroup?: boolean;
  pivot: boolean;
}

/** What the arguments name: the root filesystem of a container, its id and its program. */
export interface Target {
  /** `config`: a spec that says it all; `process`: one of the host. `source` is empty for both. `docker`, `lxd`: an image of an engine's. */
  readonly kind: "config" | "process" | "rootfs" | "image" | "docker" | "lxd";
  /** Absolute path of the root filesystem, or name of the image. */
  readonly source: string;
  readonly id: string;
  readonly args: readonly string[];
}
