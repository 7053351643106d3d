// What run() and exec() take, and what of it makes no sense.
import { invalidArgument } from "../../core/errors.js";
import { validateIdentifier } from "../../core/identifiers.js";
import type { Any } from "../../core/typeurl.js";
import type { OnProgress } from "../distribution/progress.js";
import type { Registry } from "../distribution/transport.js";
import { DOCKER_RUNTIME, type DockerOptions } from "../docker-options.js";
import { LXD_RUNTIME, type LxdOptions } from "../lxd-options.js";
import type { SpecOptions } from "../spec/create-spec.js";
import type { Spec } from "../spec/oci.js";
import type { ProcessSpec } from "../spec/process-spec.js";

/** `pipe`: a stream of this process. `ignore`: /dev/null. `inherit`: this process's own stdout or stderr. */
export type OutputMode = "pipe" | "ignore" | "inherit";

/** One mode for all three, a mode for each (default: `pipe`), or where the runtime itself puts stdout and stderr. */
export type StdioOption =
  | "pipe"
  | "ignore"
  | {
      readonly stdin?: "pipe" | "ignore" | undefined;
      readonly stdout?: OutputMode | undefined;
      readonly stderr?: OutputMode | undefined;
    }
  | {
      /** `file:///path`, or `binary:///program?key=value`. The process has no stdin then. */
      readonly log: string;
    };

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** A process, the first one of a task or a further one. */
export interface ProcessOptions {
  /** Added to the environment that there is (the image's, the container's); undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Absolute. Default: the image's or the container's; of a host process this process's own. */
  readonly cwd?: string | undefined;
  /** `name`, `uid`, `name:group` or `uid:gid`, looked up where the process runs. Default: the image's or the container's. */
  readonly user?: string | undefined;
  /** Default: `pipe`. */
  readonly stdio?: StdioOption | undefined;
  /** A terminal instead of three pipes: stdout carries everything. Default: none. */
  readonly terminal?: boolean | TerminalSize | undefined;
  /** The process is killed (SIGKILL) when it has run that long; the result's `timedOut` tells. Default: never. */
  readonly timeoutMs?: number | undefined;
  /** Its abort ends everything, at whatever stage: the process is killed, what was made is removed, and whoever waits hears of it. */
  readonly signal?: AbortSignal | undefined;
}

/** What a process added to a task is. */
export interface TaskExecOptions extends ProcessOptions {
  /** The program and its arguments; found by the PATH of its environment. */
  readonly args: readonly string[];
  /** Default: a random one. */
  readonly id?: string | undefined;
}

/** An upper bound each. Default: none. */
export interface Limits {
  /** All processes together. */
  readonly memoryBytes?: number | undefined;
  /** CPUs' worth of time, 1.5 for example. */
  readonly cpus?: number | undefined;
  /** How many processes and threads there may be at a time. */
  readonly pids?: number | undefined;
}

/** What a container may be given beside its process. */
type ContainerOptions = Pick<
  SpecOptions,
  | "hostname"
  | "readOnly"
  | "mounts"
  | "capAdd"
  | "capDrop"
  | "privileged"
  | "allowNewPrivileges"
  | "netHost"
  | "joinNamespaces"
  | "devices"
  | "cgroup"
>;

interface CommonOptions extends ProcessOptions {
  /** Default: the client's. */
  readonly namespace?: string | undefined;
  /** Of the container and its task. Default: a random one. */
  readonly id?: string | undefined;
  /**
   * Default: `io.berth.process.v1` for host processes, `io.containerd.runc.v2` for containers. With `io.berth.docker.v1` a container of an
   * image is one of the daemon's Docker engine, see {@link ImageRunOptions.docker}; with `io.berth.lxd.v1` a system container of its LXD,
   * see {@link ImageRunOptions.lxd}.
   */
  readonly runtime?: string | undefined;
  /** Options of the runtime, as it knows them. Default: none. */
  readonly runtimeOptions?: Any | undefined;
  /** Of the container. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Of the spec. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly limits?: Limits | undefined;
  /**
   * When the task is to end that nobody ended: with its container (`task`), or when its daemon ends (`daemon`); under other runtimes
   * than `io.berth.process.v1` that is found out at the daemon's next start. Default: `task`. Of Berth only.
   */
  readonly lifetime?: "daemon" | "task" | undefined;
  /** Whether task and container are removed once the process has ended. Default: true. */
  readonly remove?: boolean | undefined;
  /**
   * Whether the daemon keeps what the process writes, for `client.logs`; it goes with the container. Default: true where `remove` is
   * false and `stdio` names no log of your own. Of Berth only.
   */
  readonly log?: boolean | undefined;
}

/** A container of an image. */
export interface ImageRunOptions extends CommonOptions, ContainerOptions {
  /** `docker.io/library/busybox:latest`, or `busybox`, which is short for it. */
  readonly image: string;
  readonly rootfs?: undefined;
  readonly process?: undefined;
  /** Default: the image's entrypoint and command, which these replace. */
  readonly args?: readonly string[] | undefined;
  /** Whether the image is fetched from its registry. Default: `never`, so it must be here; on Docker `missing`. */
  readonly pull?: "never" | "missing" | "always" | undefined;
  /** To pull from. Default: the registry of the name, with Docker's credentials. */
  readonly registry?: Registry | undefined;
  /** News of the pull. */
  readonly onProgress?: OnProgress | undefined;
  /** Default: `overlayfs`, for users other than root `native`. */
  readonly snapshotter?: string | undefined;
  /** `linux/arm64`. Default: this machine's. */
  readonly platform?: string | undefined;
  /**
   * Only with runtime `io.berth.docker.v1`, whose options these are, in the place of `runtimeOptions`. The daemon's engine takes the
   * image from its own store, else from the daemon's, else from its registry; `snapshotter`, `platform` and `registry` have no place there.
   * What the options of the run leave out is the image's.
   */
  readonly docker?: DockerOptions | undefined;
  /**
   * Only with runtime `io.berth.lxd.v1`, whose options these are, in the place of `runtimeOptions`. `image` is an alias of LXD's own, and
   * `args` run in the place of its init. Of the options of the run `env` and `limits` have their effect; the others have no place there.
   */
  readonly lxd?: LxdOptions | undefined;
  /** The last word on the spec: what it gives back is taken. */
  readonly editSpec?: ((spec: Spec) => object) | undefined;
}

/** A container of a folder. */
export interface RootfsRunOptions extends CommonOptions, ContainerOptions {
  /** The folder that is the container's root file system; writes go into it. */
  readonly rootfs: string;
  readonly image?: undefined;
  readonly process?: undefined;
  /** Default: `/bin/sh`. */
  readonly args?: readonly string[] | undefined;
  /** The last word on the spec: what it gives back is taken. */
  readonly editSpec?: ((spec: Spec) => object) | undefined;
}

/** A process of this host, without any isolation. */
export interface HostRunOptions extends CommonOptions {
  readonly process: true;
  readonly image?: undefined;
  readonly rootfs?: undefined;
  /** The program and its arguments. */
  readonly args: readonly string[];
  /** Path of its control group. Default: the runtime's choice. */
  readonly cgroup?: string | undefined;
  /** The last word on the spec: what it gives back is taken. */
  readonly editSpec?: ((spec: ProcessSpec) => object) | undefined;
}

/** What `Client.run` starts: exactly one of `image`, `rootfs` and `process` says what it is made of. */
export type RunOptions = ImageRunOptions | RootfsRunOptions | HostRunOptions;

/** @throws invalid_argument for what makes no sense, also for what only JavaScript can give. */
export function checkRunOptions(options: RunOptions): void {
  if (typeof options !== "object" || options === null) throw invalidArgument("options must be an object");
  const sources = ["image", "rootfs", "process"].filter((key) => Reflect.get(options, key) !== undefined);
  if (sources.length !== 1) throw invalidArgument("exactly one of image, rootfs and process is to be given");
  if ("process" in options && options.process !== undefined && options.process !== true) {
    throw invalidArgument("process must be true");
  }
  if ("image" in options) requireText("image", options.image);
  if ("rootfs" in options) requireText("rootfs", options.rootfs);
  checkArgs(options.args, options.process === true);
  checkEngineOptions(options);
  checkProcessOptions(options);
  checkLimits(options.limits ?? {});
  const { lifetime } = options;
  if (lifetime !== undefined && lifetime !== "daemon" && lifetime !== "task") {
    throw invalidArgument('lifetime must be "daemon" or "task"');
  }
}

/** What an engine decides, and not whoever runs a container on it. */
const ENGINES_OWN = ["rootfs", "process", "runtimeOptions", "snapshotter", "platform", "registry"];
/** What LXD has its own settings for, and its image. */
const LXDS_OWN = [
  ...["user", "cwd", "pull", "hostname", "readOnly", "mounts", "capAdd", "capDrop", "privileged", "allowNewPrivileges"],
  ...["netHost", "joinNamespaces", "devices", "cgroup"],
];
const ENGINES = [
  { runtime: DOCKER_RUNTIME, options: "docker", refused: ENGINES_OWN },
  { runtime: LXD_RUNTIME, options: "lxd", refused: [...ENGINES_OWN, ...LXDS_OWN] },
];

function checkEngineOptions(options: RunOptions): void {
  const isGiven = (key: string): boolean => Reflect.get(options, key) !== undefined;
  for (const engine of ENGINES) {
    if (options.runtime === engine.runtime) {
      const given = engine.refused.filter(isGiven);
      if (given.length > 0) throw invalidArgument(`${given.join(", ")} cannot be given with runtime ${engine.runtime}`);
    } else if (isGiven(engine.options)) {
      throw invalidArgument(`${engine.options} is for runtime ${engine.runtime} only`);
    }
  }
}

/** @throws invalid_argument. */
export function checkExecOptions(options: TaskExecOptions): void {
  if (typeof options !== "object" || options === null) throw invalidArgument("options must be an object");
  checkArgs(options.args, true);
  checkProcessOptions(options);
}

function checkArgs(args: unknown, isRequired: boolean): void {
  if (args === undefined && !isRequired) return;
  const isList = Array.isArray(args) && args.every((word) => typeof word === "string" && !word.includes("\0"));
  if (!isList || args.length === 0) throw invalidArgument("args must be strings, the program first");
}

function checkProcessOptions(options: ProcessOptions & { readonly id?: string | undefined }): void {
  const { id, timeoutMs, env = {} } = options;
  // It names files.
  if (id !== undefined) {
    if (typeof id !== "string") throw invalidArgument("id must be a string");
    validateIdentifier(id);
  }
  if (timeoutMs !== undefined && !(timeoutMs > 0 && timeoutMs <= 2 ** 31 - 1)) {
    throw invalidArgument("timeoutMs must be between 1 and 2147483647");
  }
  for (const [key, value] of Object.entries(env)) {
    const isWrong = key === "" || key.includes("=") || key.includes("\0") || value?.includes("\0") === true;
    if (isWrong) throw invalidArgument(`environment variable ${JSON.stringify(key)} cannot be`);
  }
}

function checkLimits(limits: Limits): void {
  for (const [name, value] of Object.entries(limits)) {
    if (value !== undefined && !(Number.isFinite(value) && value > 0)) {
      throw invalidArgument(`limit ${name} must be a positive number`);
    }
  }
}

function requireText(name: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value !== "string" || value === "" || value.includes("\0"))
    throw invalidArgument(`${name} must be a name`);
}

/** Variables as a spec has them; one without a value removes. */
export function envList(env: ProcessOptions["env"] = {}): string[] {
  return Object.entries(env).map(([key, value]) => (value === undefined ? key : `${key}=${value}`));
}
