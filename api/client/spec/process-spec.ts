// The spec of a process of the host, for runtimes that do not isolate: nothing in it that such a one could not keep.
import { invalidArgument } from "../../core/errors.js";
import { mergeEnv } from "./create-spec.js";
import type { User } from "./oci.js";
import { lookUpUser } from "./user.js";

/** What a process of the host is to be. A limit that the host cannot keep is refused when the task is created. */
export interface ProcessSpecOptions {
  /** The program and its arguments. */
  readonly args: readonly string[];
  /** What `env` is put on. Default: PATH, HOME, USER and LANG of this process, as far as it has them. */
  readonly baseEnv?: readonly string[] | undefined;
  /** `KEY=value`; the last one of a key holds. `KEY` alone removes it. */
  readonly env?: readonly string[] | undefined;
  /** Absolute. Default: that of this process. */
  readonly cwd?: string | undefined;
  /** `name`, `uid`, `name:group`, `uid:gid`, looked up on this host; or who it is. Default: the user of this process. */
  readonly user?: string | User | undefined;
  /** A terminal, and TERM if the environment has none. Default: false. */
  readonly terminal?: boolean | undefined;
  /** Set-user-id bits and file capabilities of programs have no effect. Default: false. */
  readonly noNewPrivileges?: boolean | undefined;
  /** Default: none. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Default: no limit. */
  readonly memoryLimitBytes?: number | undefined;
  /** Weight against others when the CPU is short. Default: the kernel's. */
  readonly cpuShares?: number | undefined;
  /** CPU time in each period, in microseconds. Default: no limit. */
  readonly cpuQuotaUs?: number | undefined;
  /** Length of a period, in microseconds. Default: the kernel's. */
  readonly cpuPeriodUs?: number | undefined;
  /** How many processes and threads there may be at a time. Default: no limit. */
  readonly pidsLimit?: number | undefined;
  /** Path of its control group. Default: the runtime's choice. */
  readonly cgroup?: string | undefined;
}

/** As JSON it is an OCI runtime spec. */
export interface ProcessSpec {
  readonly ociVersion: string;
  readonly process: {
    readonly terminal?: boolean;
    readonly user: User;
    readonly args: readonly string[];
    readonly env: readonly string[];
    readonly cwd: string;
    readonly noNewPrivileges?: boolean;
  };
  /** Always `/`. */
  readonly root: { readonly path: string };
  readonly annotations?: Readonly<Record<string, string>>;
  /** undefined without limits and without a control group of its own. */
  readonly linux?: { readonly cgroupsPath?: string; readonly resources?: ProcessResources };
}

interface ProcessResources {
  readonly memory?: { readonly limit: number };
  readonly cpu?: { readonly shares?: number; readonly quota?: number; readonly period?: number };
  readonly pids?: { readonly limit: number };
}

const OCI_VERSION = "1.0.2";
const HOST_ROOT = "/";
const INHERITED = ["PATH", "HOME", "USER", "LANG"];

/**
 * The spec of a process of this host, for `io.berth.process.v1`.
 * @throws invalid_argument for a relative working directory, not_found for a user that this host does not know.
 */
export function createProcessSpec(options: ProcessSpecOptions): ProcessSpec {
  const { args, env = [], cwd = process.cwd(), user, annotations = {}, terminal, noNewPrivileges } = options;
  if (!cwd.startsWith("/")) throw invalidArgument(`working directory "${cwd}" must be absolute`);
  const merged = mergeEnv(options.baseEnv ?? inheritedEnv(), env);
  const needsTerm = terminal === true && !merged.some((entry) => entry.startsWith("TERM="));
  const linux = linuxOf(options);
  return {
    ociVersion: OCI_VERSION,
    process: {
      ...(terminal === true ? { terminal } : {}),
      user: userOf(user),
      args: [...args],
      env: needsTerm ? [...merged, "TERM=xterm"] : merged,
      cwd,
      ...(noNewPrivileges === true ? { noNewPrivileges } : {}),
    },
    root: { path: HOST_ROOT },
    ...(Object.keys(annotations).length > 0 ? { annotations: { ...annotations } } : {}),
    ...(linux === undefined ? {} : { linux }),
  };
}

function inheritedEnv(): string[] {
  return INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [`${name}=${process.env[name]}`]));
}

function userOf(user: string | User | undefined): User {
  if (typeof user === "string") return lookUpUser(HOST_ROOT, user);
  return user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
}

/** Only what was asked for: a limit that the host cannot keep is refused. */
function linuxOf(options: ProcessSpecOptions): ProcessSpec["linux"] {
  const { memoryLimitBytes, cpuShares, cpuQuotaUs, cpuPeriodUs, pidsLimit, cgroup } = options;
  const cpu = {
    ...(cpuShares === undefined ? {} : { shares: cpuShares }),
    ...(cpuQuotaUs === undefined ? {} : { quota: cpuQuotaUs }),
    ...(cpuPeriodUs === undefined ? {} : { period: cpuPeriodUs }),
  };
  const resources = {
    ...(memoryLimitBytes === undefined ? {} : { memory: { limit: memoryLimitBytes } }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit } }),
  };
  const linux = {
    ...(cgroup === undefined || cgroup === "" ? {} : { cgroupsPath: cgroup }),
    ...(Object.keys(resources).length === 0 ? {} : { resources }),
  };
  return Object.keys(linux).length === 0 ? undefined : linux;
}
