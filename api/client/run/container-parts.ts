// What all of run()'s containers have in common: how their options become parts of a spec, and the record around it.
import type { NewContainer } from "../../core/container.js";
import { LIFETIME_ANNOTATION } from "../../core/task-lifetime.js";
import { LOG_KEEP, LOG_LABEL, LOG_NONE } from "../../core/task-log.js";
import { anyOfJson, SPEC_TYPE } from "../../core/typeurl.js";
import type { SpecOptions } from "../spec/create-spec.js";
import { envList, type ImageRunOptions, type RootfsRunOptions, type RunOptions } from "./options.js";

export const PROCESS_RUNTIME = "io.berth.process.v1";
export const CONTAINER_RUNTIME = "io.containerd.runc.v2";
/** Marks containers that exist for their one task, and go with it. */
export const RUN_LABEL = "berth.io/run";
const CPU_PERIOD_US = 100_000;

/** Who a container will be. */
export interface ContainerIdentity {
  readonly namespace: string;
  readonly id: string;
}

export function specOptions(
  identity: ContainerIdentity,
  options: ImageRunOptions | RootfsRunOptions,
  own: Pick<SpecOptions, "rootfs" | "args" | "cwd" | "user" | "baseEnv">,
): SpecOptions {
  const { hostname, readOnly, mounts, capAdd, capDrop, privileged, allowNewPrivileges, netHost, joinNamespaces } =
    options;
  const { devices, cgroup } = options;
  return {
    ...identity,
    ...own,
    env: envList(options.env),
    terminal: isTerminal(options),
    annotations: annotationsOf(options),
    ...{ hostname, readOnly, mounts, capAdd, capDrop, privileged, allowNewPrivileges, netHost, joinNamespaces },
    ...{ devices, cgroup },
    ...limitsOf(options),
  };
}

export function limitsOf({
  limits = {},
}: RunOptions): Pick<SpecOptions, "memoryLimitBytes" | "cpuQuotaUs" | "cpuPeriodUs" | "pidsLimit"> {
  const { memoryBytes, cpus, pids } = limits;
  return {
    memoryLimitBytes: memoryBytes,
    ...(cpus !== undefined && { cpuQuotaUs: Math.round(cpus * CPU_PERIOD_US), cpuPeriodUs: CPU_PERIOD_US }),
    pidsLimit: pids,
  };
}

export const isTerminal = ({ terminal }: Pick<RunOptions, "terminal">): boolean =>
  terminal !== undefined && terminal !== false;

export function annotationsOf({ annotations = {}, lifetime }: RunOptions): Readonly<Record<string, string>> {
  return { ...annotations, ...(lifetime !== undefined && { [LIFETIME_ANNOTATION]: lifetime }) };
}

/** Without a word the daemon's configuration decides: what is removed with its task is not worth a log. */
function logLabel({ log, remove, stdio }: RunOptions): Readonly<Record<string, string>> {
  const hasOwn = typeof stdio === "object" && "log" in stdio;
  const isKept = log ?? (remove === false && !hasOwn ? true : undefined);
  return isKept === undefined ? {} : { [LOG_LABEL]: isKept ? LOG_KEEP : LOG_NONE };
}

export function recordOf({ id }: ContainerIdentity, options: RunOptions, spec: object): NewContainer {
  const isHost = "process" in options && options.process === true;
  return {
    id,
    labels: { ...logLabel(options), ...options.labels, [RUN_LABEL]: "true" },
    runtime: {
      name: options.runtime ?? (isHost ? PROCESS_RUNTIME : CONTAINER_RUNTIME),
      ...(options.runtimeOptions !== undefined && { options: options.runtimeOptions }),
    },
    spec: anyOfJson(SPEC_TYPE, spec),
  };
}
