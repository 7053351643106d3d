// What run and containers create have in common: the flags that describe a container, and the record they make.
// @source containerd cmd/ctr/commands/commands_unix.go, cmd/ctr/commands/run/run_unix.go
import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type Command, Option } from "commander";
import { DOCKER_RUNTIME } from "../../api/client/docker-options.js";
import { LXD_RUNTIME } from "../../api/client/lxd-options.js";
import { RuncOptions, RuntimeOptions } from "../../api/client/payloads.js";
import { createSpec, type SpecOptions } from "../../api/client/spec/create-spec.js";
import type { NewContainer } from "../../api/core/container.js";
import { LOG_KEEP, LOG_NONE } from "../../api/core/task-log.js";
import { type Any, anyOfMessage, RUNC_OPTIONS_TYPE, SPEC_TYPE } from "../../api/core/typeurl.js";
import { type ContainerFlags, PULL_POLICIES, type Target } from "./container-request.js";
import { dockerContainerOf, dockerTarget, isDockerRuntime, refuseDockerFlags } from "./docker-flags.js";
import { UsageError } from "./exit-status.js";
import { collect, parseInteger, parseLabels, parsePairs, parsePositive, parseSize, withoutDashes } from "./flags.js";
import { addIsolationOptions, checkIsolation, idMapsOf, isolationOf } from "./isolation-flags.js";
import { isLxdRuntime, lxdContainerOf, lxdTarget } from "./lxd-flags.js";
import { parseMount } from "./mount-flag.js";
import { envOf, isProcessRuntime, PROCESS_RUNTIME, processSpecOf, processTarget } from "./process-flags.js";
import { addSnapshotterOption } from "./snapshotter-flag.js";

const RUNC_RUNTIME = "io.containerd.runc.v2";
const CPU_PERIOD_US = 100_000;
const JOINABLE = ["pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"];

/** `cpuShares` is the weight without the flag; 0 leaves it to the runtime. */
export function addContainerOptions(command: Command, { cpuShares }: { readonly cpuShares: number }): void {
  addSnapshotterOption(command);
  command
    .option("--rootfs", "the first argument is no image but a folder that holds a root filesystem")
    .option("--snapshotter-label <key=value>", "label of the container's snapshot (repeatable)", collect)
    .option("--platform <os/arch>", "which of the image's platforms; default: this machine's")
    .addOption(
      new Option(
        "--pull <when>",
        `fetch the image from its registry; default: never, with ${DOCKER_RUNTIME} missing`,
      ).choices(PULL_POLICIES),
    )
    .option("--plain-http", "with --pull: speak http instead of https")
    .option("--skip-verify", "with --pull: do not check the registry's certificate")
    .option("--hosts-dir <dir>", "with --pull: folder with a folder of hosts.toml for each registry")
    .option("-c, --config <file>", "an OCI spec instead of the flags below; the only argument is then the id")
    .option("--cwd <dir>", "working directory of the process")
    .option("--env <key=value>", "environment variable (repeatable); KEY alone removes one", collect)
    .option("--env-file <file>", "environment variables, one a line")
    .option("--label <key=value>", "label of the container, also an annotation of its spec (repeatable)", collect)
    .addOption(new Option("--log <what>", "whether output is kept for berth logs").choices([LOG_KEEP, LOG_NONE]))
    .option("--annotation <key=value>", "annotation of the spec (repeatable)", collect)
    .option("--mount <mount>", "type=bind,src=/tmp,dst=/host,options=rbind:ro (repeatable)", collect)
    .option("--net-host", "use the host's network, names and resolver")
    .option("--network <name>", `network of the engine, with ${DOCKER_RUNTIME} only`)
    .option(
      "-p, --publish <[host:]port>",
      `a port reachable at the engine's host, with ${DOCKER_RUNTIME} only (repeatable)`,
      collect,
    )
    .option("--privileged", "all capabilities and devices, nothing masked")
    .option("--read-only", "a root filesystem that cannot be written to")
    .option(
      "--runtime <name>",
      `runtime name, or the path of a shim; ${PROCESS_RUNTIME} runs processes of the host, without a root filesystem, ${DOCKER_RUNTIME} containers of a Docker engine, ${LXD_RUNTIME} system containers of LXD`,
      defaultRuntime(),
    )
    .option(
      "--runtime-config-path <file>",
      `configuration for runtimes other than runc; for ${DOCKER_RUNTIME} and ${LXD_RUNTIME} their options as JSON`,
    )
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
  addIsolationOptions(command);
}

/** Containers need root; others can run processes. */
function defaultRuntime(): string {
  return process.getuid?.() === 0 ? RUNC_RUNTIME : PROCESS_RUNTIME;
}

/** @throws UsageError. */
export function parseTarget(flags: ContainerFlags, words: readonly string[]): Target {
  if (isDockerRuntime(flags.runtime)) return dockerTarget(flags, words);
  refuseDockerFlags(flags);
  checkIsolation(flags);
  if (flags.cni === true && flags.netHost === true) throw new UsageError("--cni and --net-host exclude each other");
  if (isLxdRuntime(flags.runtime)) return lxdTarget(flags, words);
  if (flags.config !== undefined) {
    const [id = "", ...rest] = words;
    if (rest.length > 0) throw new UsageError("with --config only the container id is to be given");
    if (id === "") throw new UsageError("container id must be provided");
    return { kind: "config", source: "", id, args: [] };
  }
  if (isProcessRuntime(flags.runtime)) return processTarget(flags, words);
  const [source = "", id = "", ...rest] = words;
  if (source === "") throw new UsageError("image ref must be provided");
  if (id === "") throw new UsageError("container id must be provided");
  const args = withoutDashes(rest);
  return flags.rootfs === true
    ? { kind: "rootfs", source: resolve(source), id, args }
    : { kind: "image", source, id, args };
}

/** The record of a container without an image of ours: of a folder, a process of the host, a spec that is given, or an engine's. */
export async function containerOf(flags: ContainerFlags, namespace: string, target: Target): Promise<NewContainer> {
  const { kind, source, id, args } = target;
  if (kind === "config") return recordOf(flags, id, await readSpec(flags.config ?? ""));
  if (kind === "process") {
    const annotations = annotationsOf(flags);
    return recordOf(flags, id, await processSpecOf(flags, { args, annotations, ...limitsOf(flags) }));
  }
  if (kind === "docker") return await dockerContainerOf(flags, target, specOptionsOf(flags, namespace, id));
  if (kind === "lxd") return await lxdContainerOf(flags, target, specOptionsOf(flags, namespace, id));
  const isFolder = await stat(source).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new UsageError(`root filesystem "${source}" is not a folder`);
  const own = { rootfs: source, args: args.length === 0 ? ["/bin/sh"] : args, cwd: flags.cwd, user: flags.user };
  return recordOf(flags, id, await specOf(flags, namespace, id, own));
}

/** The record itself. */
export function recordOf(flags: ContainerFlags, id: string, spec: Buffer): NewContainer {
  const options = runtimeOptionsOf(flags);
  return {
    id,
    labels: parseLabels(flags.label ?? []),
    runtime: { name: flags.runtime, ...(options === undefined ? {} : { options }) },
    spec: { typeUrl: SPEC_TYPE, value: spec },
  };
}

/** The spec that the flags make of what is to run. */
export async function specOf(
  flags: ContainerFlags,
  namespace: string,
  id: string,
  own: Pick<SpecOptions, "rootfs" | "args" | "cwd" | "user" | "baseEnv">,
): Promise<Buffer> {
  const isolation = await isolationOf(flags);
  const options: SpecOptions = {
    ...own,
    ...specOptionsOf(flags, namespace, id),
    ...isolation,
    env: await envOf(flags),
  };
  return Buffer.from(JSON.stringify(createSpec(options)));
}

/** What does not depend on where the root filesystem comes from. */
function specOptionsOf(flags: ContainerFlags, namespace: string, id: string): Omit<SpecOptions, "rootfs" | "args"> {
  return {
    namespace,
    id,
    hostname: flags.hostname,
    terminal: flags.tty,
    readOnly: flags.readOnly,
    mounts: (flags.mount ?? []).map(parseMount),
    annotations: annotationsOf(flags),
    capAdd: flags.capAdd,
    capDrop: flags.capDrop,
    privileged: flags.privileged,
    allowNewPrivileges: flags.allowNewPrivs,
    netHost: flags.netHost,
    joinNamespaces: (flags.withNs ?? []).map(parseNamespace),
    devices: flags.device,
    ...limitsOf(flags),
    rootfsPropagation: flags.rootfsPropagation,
  };
}

function annotationsOf(flags: ContainerFlags): Record<string, string> {
  return { ...parsePairs("annotation", flags.annotation ?? []), ...parseLabels(flags.label ?? []) };
}

type Limits = Pick<SpecOptions, "memoryLimitBytes" | "cpuShares" | "cpuQuotaUs" | "cpuPeriodUs" | "cgroup">;

function limitsOf(flags: ContainerFlags): Limits {
  const { memoryLimit = 0, cgroup } = flags;
  return { ...(memoryLimit === 0 ? {} : { memoryLimitBytes: memoryLimit }), ...cpuLimits(flags), cgroup };
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
  if (flags.runtime !== RUNC_RUNTIME) {
    if (flags.runcBinary !== undefined || flags.runcSystemdCgroup === true) {
      throw new UsageError(`--runc-binary and --runc-systemd-cgroup are for ${RUNC_RUNTIME} only`);
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
  const maps = flags.runtime === RUNC_RUNTIME ? idMapsOf(flags) : undefined;
  if (flags.pivot && maps === undefined) return undefined;
  const options = RuncOptions.fromPartial({
    ...runcOptions(flags),
    noPivotRoot: !flags.pivot,
    // The pipes and the terminal are root's there.
    ...(maps === undefined ? {} : { ioUid: maps.uid.hostID, ioGid: maps.gid.hostID }),
  });
  return anyOfMessage(RUNC_OPTIONS_TYPE, RuncOptions, options);
}
