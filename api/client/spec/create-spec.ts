// A spec from what a user asks for, in the order in which containerd's own client applies its options.
// @source containerd cmd/ctr/commands/run/run_unix.go, pkg/oci/spec_opts.go
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { invalidArgument } from "../../core/errors.js";
import { capabilitiesOfMask, capabilitySets, parseCapability } from "./capabilities.js";
import { DEFAULT_PATH, defaultSpec } from "./default-spec.js";
import { findDevices, hostDevices, ruleFor } from "./devices.js";
import type { Hook, IdMapping, Process, Spec, SpecMount, User } from "./oci.js";
import type { Seccomp } from "./seccomp.js";
import { lookUpUser } from "./user.js";

/** What a container is to be beside containerd's default. */
export interface SpecOptions {
  /** Names the control group together with `id`. */
  readonly namespace: string;
  /** The container's. */
  readonly id: string;
  /** The root filesystem, absolute; `rootfs` for what the task is given as mounts. */
  readonly rootfs: string;
  /** The program, found by the PATH of its environment, and its arguments. */
  readonly args: readonly string[];
  /** The environment that `env` is put on. Default: a PATH. */
  readonly baseEnv?: readonly string[] | undefined;
  /** `KEY=value`; the last one of a key holds. `KEY` alone removes it. */
  readonly env?: readonly string[] | undefined;
  /** Absolute, in the container. Default: `/`. */
  readonly cwd?: string | undefined;
  /** `name`, `uid`, `name:group`, `uid:gid`, looked up in the root filesystem; or who it is. Default: root. */
  readonly user?: string | User | undefined;
  /** Default: none is set. */
  readonly hostname?: string | undefined;
  /** A terminal, and TERM if the environment has none. Default: false. */
  readonly terminal?: boolean | undefined;
  /** The root filesystem cannot be written to. Default: false. */
  readonly readOnly?: boolean | undefined;
  /** Beside the default ones, and after them. */
  readonly mounts?: readonly SpecMount[] | undefined;
  /** Default: none. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Beside the default ones (or all, if privileged): `CAP_SYS_ADMIN` or `sys_admin`. */
  readonly capAdd?: readonly string[] | undefined;
  /** Taken away, also from what `capAdd` names. */
  readonly capDrop?: readonly string[] | undefined;
  /** All capabilities of this process, all devices of the host, and the kernel's files unmasked and writable. Default: false. */
  readonly privileged?: boolean | undefined;
  /** Set-user-id bits and file capabilities of programs have their effect. Default: false. */
  readonly allowNewPrivileges?: boolean | undefined;
  /** The host's network, names and resolver. Default: false, a network of its own. */
  readonly netHost?: boolean | undefined;
  /**
   * Namespaces to join, by type (`network`, `pid`); paths such as `/proc/<pid>/ns/net`. Default: none, and new ones of `pid`, `ipc`, `uts`,
   * `mount` and `network`.
   */
  readonly joinNamespaces?: readonly { readonly type: string; readonly path: string }[] | undefined;
  /** Paths of devices of the host, or of folders of them. Default: none but those that every container has. */
  readonly devices?: readonly string[] | undefined;
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
  /** Replaces `/<namespace>/<id>`; empty for none. */
  readonly cgroup?: string | undefined;
  /** `shared`, `slave`, `private` or `unbindable`. Default: the runtime's choice. */
  readonly rootfsPropagation?: string | undefined;
  /** Which system calls there are, or what makes the list from the capabilities of the container. Default: all. */
  readonly seccomp?: Seccomp | ((capabilities: readonly string[]) => Seccomp) | undefined;
  /** A profile of AppArmor that the kernel knows. Default: none. */
  readonly apparmorProfile?: string | undefined;
  /** Class of service of Intel RDT. Default: the runtime's choice. */
  readonly rdtClass?: string | undefined;
  /** Ids of a user namespace. Default: none, the host's ids. */
  readonly idMaps?: { readonly uid: IdMapping; readonly gid: IdMapping } | undefined;
  /** Programs of the host, run when the container is there and its program is not yet. Default: none. */
  readonly prestartHooks?: readonly Hook[] | undefined;
}

/**
 * The spec of a container. It looks at this host: at the root filesystem for a user's name, at `/dev` for devices.
 * @throws invalid_argument for options that make no sense here, not_found for a user the root filesystem does not know.
 */
export function createSpec(options: SpecOptions): Spec {
  const spec = defaultSpec(options.namespace, options.id);
  const { linux } = spec;
  spec.root.path = options.rootfs;
  if (options.readOnly === true) spec.root.readonly = true;
  if (options.hostname !== undefined) spec.hostname = options.hostname;
  spec.mounts.push(...(options.mounts ?? []));
  if (options.privileged === true) makePrivileged(spec);
  if (options.netHost === true) useHostNetwork(spec);
  applyProcess(spec.process, options);
  for (const { type, path } of options.joinNamespaces ?? []) {
    linux.namespaces = [...linux.namespaces.filter((namespace) => namespace.type !== type), { type, path }];
  }
  for (const device of (options.devices ?? []).flatMap(findDevices)) {
    linux.devices = [...(linux.devices ?? []), device];
    linux.resources.devices.push(ruleFor(device));
  }
  applyLimits(spec, options);
  if (options.cgroup === "") delete linux.cgroupsPath;
  else if (options.cgroup !== undefined) linux.cgroupsPath = options.cgroup;
  if (options.rootfsPropagation !== undefined) linux.rootfsPropagation = options.rootfsPropagation;
  applyIsolation(spec, options);
  if (Object.keys(options.annotations ?? {}).length > 0) spec.annotations = { ...options.annotations };
  return spec;
}

function applyProcess(process: Process, options: SpecOptions): void {
  process.args = [...options.args];
  process.env = mergeEnv(options.baseEnv ?? [DEFAULT_PATH], [
    ...(options.env ?? []),
    ...(options.netHost ? [`HOSTNAME=${hostname()}`] : []),
  ]);
  if (options.cwd !== undefined) {
    if (!options.cwd.startsWith("/")) throw invalidArgument(`working directory "${options.cwd}" must be absolute`);
    process.cwd = options.cwd;
  }
  if (options.terminal === true) {
    process.terminal = true;
    if (!process.env.some((entry) => entry.startsWith("TERM="))) process.env.push("TERM=xterm");
  }
  const { user } = options;
  if (user !== undefined) process.user = typeof user === "string" ? lookUpUser(options.rootfs, user) : user;
  if (options.allowNewPrivileges === true) delete process.noNewPrivileges;
  const dropped = (options.capDrop ?? []).map(parseCapability);
  const had = process.capabilities?.bounding ?? [];
  const all = [...new Set([...had, ...(options.capAdd ?? []).map(parseCapability)])];
  process.capabilities = capabilitySets(all.filter((name) => !dropped.includes(name)));
}

/** After the capabilities, which the list of system calls depends on. */
function applyIsolation(spec: Spec, { seccomp, apparmorProfile, rdtClass, idMaps, prestartHooks }: SpecOptions): void {
  const { process, linux } = spec;
  if (apparmorProfile !== undefined) process.apparmorProfile = apparmorProfile;
  if (seccomp !== undefined) {
    linux.seccomp = typeof seccomp === "function" ? seccomp(process.capabilities?.bounding ?? []) : seccomp;
  }
  if (rdtClass !== undefined) linux.intelRdt = { closID: rdtClass };
  if (prestartHooks !== undefined) spec.hooks = { prestart: [...prestartHooks] };
  if (idMaps === undefined) return;
  if (!linux.namespaces.some(({ type }) => type === "user")) linux.namespaces.push({ type: "user" });
  linux.uidMappings = [idMaps.uid];
  linux.gidMappings = [idMaps.gid];
}

function applyLimits({ linux: { resources } }: Spec, options: SpecOptions): void {
  if (options.pidsLimit !== undefined) resources.pids = { limit: options.pidsLimit };
  if (options.memoryLimitBytes !== undefined) resources.memory = { limit: options.memoryLimitBytes };
  const cpu = {
    ...(options.cpuShares === undefined ? {} : { shares: options.cpuShares }),
    ...(options.cpuQuotaUs === undefined ? {} : { quota: options.cpuQuotaUs }),
    ...(options.cpuPeriodUs === undefined ? {} : { period: options.cpuPeriodUs }),
  };
  if (Object.keys(cpu).length > 0) resources.cpu = cpu;
}

/** All capabilities that this process has, every device, nothing masked, system files writable. */
function makePrivileged(spec: Spec): void {
  const status = readFileSync("/proc/self/status", "utf8");
  spec.process.capabilities = capabilitySets(capabilitiesOfMask(/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"));
  delete spec.linux.maskedPaths;
  delete spec.linux.readonlyPaths;
  for (const mount of spec.mounts) {
    if (mount.type === "sysfs") mount.options = mount.options.map((option) => (option === "ro" ? "rw" : option));
  }
  spec.linux.resources.devices = [{ allow: true, access: "rwm" }];
  spec.linux.devices = hostDevices();
}

function useHostNetwork(spec: Spec): void {
  spec.linux.namespaces = spec.linux.namespaces.filter(({ type }) => type !== "network");
  for (const path of ["/etc/hosts", "/etc/resolv.conf"]) {
    spec.mounts.push({ destination: path, type: "bind", source: path, options: ["rbind", "ro"] });
  }
}

/** `base` with `changes` on top: a key keeps its place, and `KEY` without `=` goes. */
export function mergeEnv(base: readonly string[], changes: readonly string[]): string[] {
  const merged = new Map<string, string | undefined>();
  const key = (entry: string): string => entry.split("=", 1)[0] ?? entry;
  for (const entry of base) merged.set(key(entry), entry);
  for (const entry of changes) merged.set(key(entry), entry.includes("=") ? entry : undefined);
  return [...merged.values()].filter((entry) => entry !== undefined);
}
