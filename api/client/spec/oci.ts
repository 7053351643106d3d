// The part of the OCI runtime specification that our default container uses. What is not here passes through untouched: records
// keep specs as bytes.
// @source opencontainers/runtime-spec specs-go/config.go (v1.0.2)
import type { Seccomp } from "./seccomp.js";

/** An OCI runtime spec: what `createSpec` makes, and as JSON what a container's record holds. The object is the caller's to change. */
export interface Spec {
  /** Version of the OCI specification that it keeps to. */
  ociVersion: string;
  process: Process;
  /** Its path is absolute, or relative to the task's bundle. `readonly`: default false. */
  root: { path: string; readonly?: boolean };
  /** undefined: none is set. */
  hostname?: string;
  /** Made in this order. */
  mounts: SpecMount[];
  annotations?: Record<string, string>;
  /** Programs of the host that the runtime runs. */
  hooks?: { prestart: Hook[] };
  linux: Linux;
}

/** A program that the runtime runs and tells of the container on its input. */
export interface Hook {
  /** Absolute, on the host. */
  path: string;
  /** The first one is its name. */
  args: string[];
  /** `KEY=value`. */
  env: string[];
}

/** Ids from `containerID` on are those from `hostID` on, `size` of them. */
export interface IdMapping {
  containerID: number;
  hostID: number;
  size: number;
}

/** The first process of a container, as its spec describes it. */
export interface Process {
  /** Default: false. */
  terminal?: boolean;
  user: User;
  /** The program, found by the PATH of `env`, and its arguments. */
  args: string[];
  /** `KEY=value`. */
  env?: string[];
  /** Absolute. */
  cwd: string;
  /** What it may do of root's; `createSpec` always says it. */
  capabilities?: Capabilities;
  /** By the kernel's names: `RLIMIT_NOFILE`. */
  rlimits?: { type: string; hard: number; soft: number }[];
  /** Set-user-id bits and file capabilities of programs have no effect. Default: false. */
  noNewPrivileges?: boolean;
  /** A profile that the kernel knows. */
  apparmorProfile?: string;
}

/** Who a process runs as, by number. */
export interface User {
  uid: number;
  gid: number;
  /** Groups beside `gid`; undefined: none. */
  additionalGids?: number[] | undefined;
}

/** Names by set, each as the kernel has it: `CAP_CHOWN`. */
export interface Capabilities {
  bounding: string[];
  effective: string[];
  permitted: string[];
}

/** A mount inside the container, as the runtime makes it. */
export interface SpecMount {
  /** Absolute path in the container. */
  destination: string;
  /** A file system as the kernel names it, or `bind`. */
  type: string;
  /** For `bind` a path of the host. */
  source: string;
  /** As mount(8) has them: `ro`, `nosuid`, `rbind`. */
  options: string[];
}

/** What Linux keeps apart and limits for a container. */
export interface Linux {
  resources: Resources;
  /** undefined: the runtime's choice. */
  cgroupsPath?: string;
  /** By type: `pid`, `network`. With a path that one is joined, without a new one is made; a type that is missing is the host's. */
  namespaces: { type: string; path?: string }[];
  /** Made beside those that the runtime makes in every container. */
  devices?: Device[];
  /** Paths that the container finds empty. */
  maskedPaths?: string[];
  /** Paths that the container cannot write to. */
  readonlyPaths?: string[];
  /** `shared`, `slave`, `private` or `unbindable`; undefined: the runtime's choice. */
  rootfsPropagation?: string;
  /** Of a user namespace. */
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
  /** Which system calls there are; undefined: all. */
  seccomp?: Seccomp;
  /** Class of service for cache and memory bandwidth. */
  intelRdt?: { closID: string };
}

/** Limits of a container; what is undefined has none. */
export interface Resources {
  /** Rules, applied in their order. */
  devices: DeviceRule[];
  /** Bytes. */
  memory?: { limit: number };
  /** Weight; microseconds of CPU time in each period; microseconds of a period. */
  cpu?: { shares?: number; quota?: number; period?: number };
  /** Processes and threads at a time. */
  pids?: { limit: number };
}

/** Whether some devices may be used. A type or number that is undefined stands for all. */
export interface DeviceRule {
  allow: boolean;
  /** `c` for character devices, `b` for block devices. */
  type?: string;
  major?: number;
  minor?: number;
  /** Letters of `rwm`: read, write, make. */
  access: string;
}

/** A device node that the runtime makes in the container. */
export interface Device {
  path: string;
  /** `c` for a character device, `b` for a block device. */
  type: string;
  major: number;
  minor: number;
  /** Permission bits. */
  fileMode: number;
  uid: number;
  gid: number;
}
