// What run and containers create have in common: the flags that describe a container, and the record they make.
// @source containerd cmd/ctr/commands/commands_unix.go, cmd/ctr/commands/run/run_unix.go
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { RuncOptions, RuntimeOptions } from "../../api/client/payloads.js";
import { createSpec, type SpecOptions } from "../../api/client/spec/create-spec.js";
import type { NewContainer } from "../../api/core/container.js";
import { notImplemented } from "../../api/core/errors.js";
import { type Any, anyOfMessage, RUNC_OPTIONS_TYPE, SPEC_TYPE } from "../../api/core/typeurl.js";
import { UsageError } from "./exit-status.js";
import { collect, parseInteger, parseLabels, parsePairs, parsePositive, parseSize, readEnvFile } from "./flags.js";
import { parseMount } from "./mount-flag.js";

const DEFAULT_RUNTIME = "io.containerd.runc.v2";
const CPU_PERIOD_US = 100_000;
const JOINABLE = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"];

export interface ContainerFlags {
  rootfs?: boolean;
  config?: string;
  cwd?: string;
  env?: string[];
  envFile?: string;
  label?: string[];
  annotation?: string[];
  mount?: string[];
  netHost?: boolean;
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

/** `cpuShares` is the weight without the flag; 0 leaves it to the runtime. */
export function addContainerOptions(command: Command, { cpuShares }: { readonly cpuShares: number }): void {
  command
    .option("--rootfs", "the first argument is a root filesystem: a folder that holds one")
    .option("-c, --config <file>", "an OCI spec instead of the flags below; the only argument is then the id")
    .option("--cwd <dir>", "working directory of the process")
    .option("--env <key=value>", "environment variable (repeatable); KEY alone removes one", collect)
    .option("--env-file <file>", "environment variables, one a line")
    .option("--label <key=value>", "label of the container, also an annotation of its spec (repeatable)", collect)
    .option("--annotation <key=value>", "annotation of the spec (repeatable)", collect)
    .option("--mount <mount>", "type=bind,src=/tmp,dst=/host,options=rbind:ro (repeatable)", collect)
    .option("--net-host", "use the host's network, names and resolver")
    .option("--privileged", "all capabilities and devices, nothing masked")
    .option("--read-only", "a root filesystem that cannot be written to")
    .option("--runtime <name>", "runtime name, or the path of a shim", DEFAULT_RUNTIME)
    .option("--runtime-config-path <file>", "configuration for runtimes other than runc")
    .option("-t, --tty", "give the process a terminal")
    .option("--with-ns <type:path>", "join a namespace that exists (repeatable)", collect)
    .option("--allow-new-privs", "let the process gain privileges (setuid programs)")
    .option("--memory-limit <bytes>", "memory limit; 64m and the like are understood", parseSize)
    .option("--device <path>", "a device, or a folder of devices, to allow and to add (repeatable)", collect)
    .option("--cap-add <name>", "add a capability (repeatable)", collect)
    .option("--cap-drop <name>", "drop a capability (repeatable)", collect)
    .option("-u, --user <user[:group]>", "user by name or number, looked up in the root filesystem")
    .option("--hostname <name>", "host name in the container")
    .option("--cpus <number>", "CPUs it may use, for example 1.5", parsePositive)
    .option("--cpu-shares <number>", "relative CPU weight", parseInteger, cpuShares)
    .option("--cpu-quota <us>", "CPU time a period", parseInteger, -1)
    .option("--cpu-period <us>", "length of that period", parseInteger, 0)
    .option("--cgroup <path>", 'cgroup path; "" for none')
    .option("--rootfs-propagation <mode>", "mount propagation of the root filesystem")
    .option("--runc-binary <file>", "a program to be used in the place of runc")
    .option("--runc-root <dir>", "where runc keeps its state")
    .option("--runc-systemd-cgroup", "let systemd make the cgroup; needs --cgroup")
    .option("--no-pivot", "do not use pivot_root");
}

/** What the arguments name. @throws UsageError, or not_implemented for an image. */
export function parseTarget(
  flags: ContainerFlags,
  args: readonly string[],
): { root: string; id: string; rest: string[] } {
  if (flags.config !== undefined) {
    const [id = "", ...rest] = args;
    if (rest.length > 0) throw new UsageError("with --config only the container id is to be given");
    if (id === "") throw new UsageError("container id must be provided");
    return { root: "", id, rest };
  }
  const [root = "", id = "", ...rest] = args;
  if (flags.rootfs !== true) {
    throw notImplemented(
      `image "${root}": images are not served; give a root filesystem: berth run --rootfs DIR ID [COMMAND...]`,
    );
  }
  if (root === "") throw new UsageError("the root filesystem must be provided");
  if (id === "") throw new UsageError("container id must be provided");
  return { root: resolve(root), id, rest: withoutDashes(rest) };
}

/** A `--` in front of the program, which the arguments before it make needless, is no part of it. */
export function withoutDashes(args: readonly string[]): string[] {
  return args.slice(args[0] === "--" ? 1 : 0);
}

/** The record of the container that the flags describe. */
export async function containerOf(
  flags: ContainerFlags,
  namespace: string,
  args: readonly string[],
): Promise<NewContainer> {
  const { root, id, rest } = parseTarget(flags, args);
  const spec =
    flags.config === undefined ? await specOf(flags, namespace, root, id, rest) : await readSpec(flags.config);
  const options = runtimeOptionsOf(flags);
  return {
    id,
    labels: parseLabels(flags.label ?? []),
    runtime: { name: flags.runtime, ...(options === undefined ? {} : { options }) },
    spec: { typeUrl: SPEC_TYPE, value: spec },
  };
}

async function specOf(
  flags: ContainerFlags,
  namespace: string,
  rootfs: string,
  id: string,
  args: readonly string[],
): Promise<Buffer> {
  const isFolder = await stat(rootfs).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new UsageError(`root filesystem "${rootfs}" is not a folder`);
  const fileEnv = flags.envFile === undefined ? [] : await readEnvFile(flags.envFile);
  const options: SpecOptions = {
    namespace,
    id,
    rootfs,
    args: args.length === 0 ? ["/bin/sh"] : args,
    env: [...fileEnv, ...(flags.env ?? [])],
    cwd: flags.cwd,
    user: flags.user,
    hostname: flags.hostname,
    terminal: flags.tty,
    readOnly: flags.readOnly,
    mounts: (flags.mount ?? []).map(parseMount),
    annotations: { ...parsePairs("annotation", flags.annotation ?? []), ...parseLabels(flags.label ?? []) },
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    privileged: flags.privileged,
    allowNewPrivileges: flags.allowNewPrivs,
    netHost: flags.netHost,
    joinNamespaces: (flags.withNs ?? []).map(parseNamespace),
    devices: flags.device,
    ...(flags.memoryLimit === undefined || flags.memoryLimit === 0 ? {} : { memoryLimitBytes: flags.memoryLimit }),
    ...cpuLimits(flags),
    cgroup: flags.cgroup,
    rootfsPropagation: flags.rootfsPropagation,
  };
  return Buffer.from(JSON.stringify(createSpec(options)));
}

function cpuLimits(flags: ContainerFlags): Pick<SpecOptions, "cpuShares" | "cpuQuotaUs" | "cpuPeriodUs"> {
  const shares = flags.cpuShares > 0 ? { cpuShares: flags.cpuShares } : {};
  const explicit = flags.cpuQuota !== -1 || flags.cpuPeriod !== 0;
  if (flags.cpus !== undefined && flags.cpus > 0) {
    if (explicit) throw new UsageError("--cpus and --cpu-quota or --cpu-period exclude each other");
    return { ...shares, cpuQuotaUs: Math.round(flags.cpus * CPU_PERIOD_US), cpuPeriodUs: CPU_PERIOD_US };
  }
  return explicit ? { ...shares, cpuQuotaUs: flags.cpuQuota, cpuPeriodUs: flags.cpuPeriod } : shares;
}

function parseNamespace(text: string): { type: string; path: string } {
  const [type = "", path = "", ...more] = text.split(":");
  if (path === "" || more.length > 0) throw new UsageError(`namespace "${text}" is not type:path`);
  if (!JOINABLE.includes(type)) throw new UsageError(`namespace type "${type}" is none of ${JOINABLE.join(", ")}`);
  return { type, path };
}

async function readSpec(path: string): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`spec "${path}" cannot be read: ${error.code ?? error.message}`);
  });
  try {
    JSON.parse(bytes.toString());
  } catch (error) {
    throw new UsageError(`spec "${path}" is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  return bytes;
}

/** Options of runc, present also when empty; other runtimes get a configuration file or nothing. */
function runtimeOptionsOf(flags: ContainerFlags): Any | undefined {
  if (flags.runtime !== DEFAULT_RUNTIME) {
    if (flags.runcBinary !== undefined || flags.runcSystemdCgroup === true) {
      throw new UsageError(`--runc-binary and --runc-systemd-cgroup are for ${DEFAULT_RUNTIME} only`);
    }
    const configPath = flags.runtimeConfigPath;
    if (configPath === undefined) return undefined;
    return anyOfMessage("runtimeoptions.v1.Options", RuntimeOptions, RuntimeOptions.fromPartial({ configPath }));
  }
  if (flags.runcSystemdCgroup === true && (flags.cgroup ?? "") === "") {
    throw new UsageError('--runc-systemd-cgroup needs --cgroup, for example "machine.slice:berth:name"');
  }
  return anyOfMessage(RUNC_OPTIONS_TYPE, RuncOptions, RuncOptions.fromPartial(runcOptions(flags)));
}

function runcOptions(flags: ContainerFlags): Partial<RuncOptions> {
  return {
    ...(flags.runcBinary === undefined ? {} : { binaryName: flags.runcBinary }),
    ...(flags.runcRoot === undefined ? {} : { root: flags.runcRoot }),
    ...(flags.runcSystemdCgroup === true ? { systemdCgroup: true } : {}),
  };
}

/** Options of this one task, which replace the container's; undefined to leave those in place. */
export function taskOptionsOf(flags: ContainerFlags): Any | undefined {
  if (flags.pivot) return undefined;
  const options = RuncOptions.fromPartial({ ...runcOptions(flags), noPivotRoot: true });
  return anyOfMessage(RUNC_OPTIONS_TYPE, RuncOptions, options);
}
