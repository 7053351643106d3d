// Containers of a Docker engine: what of the flags is the engine's business and so makes no sense, and the record that the others make.
import {
  DOCKER_RUNTIME,
  type DockerOptions,
  dockerOptions,
  type PublishedPort,
} from "../../api/client/docker-options.js";
import type { SpecOptions } from "../../api/client/spec/create-spec.js";
import { createDockerSpec, leaveUser } from "../../api/client/spec/docker-spec.js";
import type { NewContainer } from "../../api/core/container.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import type { ContainerFlags, Target } from "./container-request.js";
import { readEngineOptions } from "./engine-options.js";
import { UsageError } from "./exit-status.js";
import { parseLabels, withoutDashes } from "./flags.js";
import { ISOLATION_FLAGS } from "./isolation-flags.js";
import { envOf } from "./process-flags.js";

/** Flags about what the engine decides, as they are written. */
const ENGINES_OWN: readonly (readonly [keyof ContainerFlags, string])[] = [
  ["rootfs", "--rootfs"],
  ["config", "--config"],
  ["snapshotter", "--snapshotter"],
  ["snapshotterLabel", "--snapshotter-label"],
  ["platform", "--platform"],
  ["plainHttp", "--plain-http"],
  ["skipVerify", "--skip-verify"],
  ["hostsDir", "--hosts-dir"],
  ["cni", "--cni"],
  ...ISOLATION_FLAGS,
];
const DOCKERS_OWN: readonly (readonly [keyof ContainerFlags, string])[] = [
  ["publish", "--publish"],
  ["network", "--network"],
];
const MAX_PORT = 65_535;

export function isDockerRuntime(runtime: string): boolean {
  return runtime === DOCKER_RUNTIME;
}

const given = (flags: ContainerFlags, among: typeof ENGINES_OWN): string[] =>
  among.filter(([name]) => flags[name] !== undefined && flags[name] !== false).map(([, flag]) => flag);

/** @throws UsageError for flags that another runtime cannot keep. */
export function refuseDockerFlags(flags: ContainerFlags): void {
  const names = given(flags, DOCKERS_OWN);
  if (names.length > 0) throw new UsageError(`${names.join(", ")}: only with runtime ${DOCKER_RUNTIME}`);
}

/** The arguments: an image, an id, and what is to run. @throws UsageError. */
export function dockerTarget(flags: ContainerFlags, words: readonly string[]): Target {
  const names = given(flags, ENGINES_OWN);
  if (names.length > 0) throw new UsageError(`${names.join(", ")}: with runtime ${flags.runtime} that is its engine's`);
  const [source = "", id = "", ...rest] = words;
  if (source === "") throw new UsageError("image ref must be provided");
  if (id === "") throw new UsageError("container id must be provided");
  return { kind: "docker", source, id, args: withoutDashes(rest) };
}

/** The record. `own` are the options of its spec that do not depend on an image. */
export async function dockerContainerOf(
  flags: ContainerFlags,
  { source, id, args }: Target,
  own: Omit<SpecOptions, "rootfs" | "args">,
): Promise<NewContainer> {
  const { netHost: _, rootfsPropagation, ...options } = own;
  if (rootfsPropagation !== undefined) {
    throw new UsageError(`--rootfs-propagation: with runtime ${flags.runtime} that is its engine's`);
  }
  const spec = createDockerSpec({ ...options, args, cwd: flags.cwd, env: await envOf(flags) });
  return {
    id,
    labels: parseLabels(flags.label ?? []),
    image: source,
    runtime: { name: flags.runtime, options: dockerOptions(await optionsOf(flags)) },
    spec: anyOfJson(SPEC_TYPE, leaveUser(spec)),
  };
}

/** Those of the file, then those of the flags. */
async function optionsOf(flags: ContainerFlags): Promise<DockerOptions> {
  const { netHost, network, publish, user, pull, runtimeConfigPath } = flags;
  if (netHost === true && network !== undefined) throw new UsageError("--net-host and --network exclude each other");
  const chosen = netHost === true ? "host" : network;
  return {
    imageDefaults: true,
    replaceEntrypoint: true,
    ...(runtimeConfigPath === undefined ? {} : await readEngineOptions(runtimeConfigPath)),
    ...(chosen !== undefined && { network: chosen }),
    ...(publish !== undefined && { ports: publish.map(parsePort) }),
    ...(user !== undefined && { user }),
    ...(pull !== undefined && { pull }),
  };
}

/** `80`, `8080:80`, `0.0.0.0:8080:80`, `[::1]::53/udp`. @throws UsageError. */
export function parsePort(text: string): PublishedPort {
  const match = /^(?:(?:(\[[0-9a-fA-F:.]+\]|[\d.]+):)?(\d{0,5}):)?(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text);
  const [, hostIp, hostPort = "", container = "", protocol] = match ?? [];
  const [host, inside] = [Number(hostPort), Number(container)];
  if (match === null || host > MAX_PORT || inside < 1 || inside > MAX_PORT) {
    throw new UsageError(`port "${text}" is not [[address:]port:]port[/protocol], for example 8080:80`);
  }
  return {
    containerPort: inside,
    ...(hostIp !== undefined && { hostIp: hostIp.replace(/^\[|\]$/g, "") }),
    ...(host !== 0 && { hostPort: host }),
    ...((protocol === "tcp" || protocol === "udp" || protocol === "sctp") && { protocol }),
  };
}
