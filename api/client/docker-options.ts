// The options of the docker runtime, as a container's record or a task's creation carry them; see docs/docker.md.
import { type Any, anyOfJson } from "../core/typeurl.js";

/** The runtime whose tasks are containers of a Docker engine. */
export const DOCKER_RUNTIME = "io.berth.docker.v1";

/** Type url of its options, which are JSON. */
export const DOCKER_OPTIONS_TYPE = "io.berth.docker.v1.Options";

/** A port of a container that can be reached at the engine's host. */
export interface PublishedPort {
  readonly containerPort: number;
  /** Default: `tcp`. */
  readonly protocol?: "tcp" | "udp" | "sctp" | undefined;
  /** An address of the engine's host. Default: `127.0.0.1`; whoever wants the whole world to come in says `0.0.0.0`. */
  readonly hostIp?: string | undefined;
  /** 0 for one that is free. Default: 0. */
  readonly hostPort?: number | undefined;
}

/** What an OCI spec has no words for. All optional. */
export interface DockerOptions {
  /** `bridge`, `none`, `host`, `container:<name>` or a network's name. Default: what the spec says, else Docker's default network. */
  readonly network?: string | undefined;
  /** Names of the container for its neighbours in `network`, which must be one that somebody made. */
  readonly networkAliases?: readonly string[] | undefined;
  readonly ports?: readonly PublishedPort[] | undefined;
  /** Publishes every port that image or options expose on a free one of all addresses of the host. Default: false. */
  readonly publishAll?: boolean | undefined;
  /** `80/tcp`, `53/udp`; `80` is `80/tcp`. */
  readonly expose?: readonly string[] | undefined;
  /** Of the container at Docker. Default: one made of namespace and id. */
  readonly name?: string | undefined;
  /**
   * The spec says only what differs from the image: its args follow the image's entrypoint, and an absent or empty cwd, user or env is
   * the image's. Default: false, a spec is the whole truth.
   */
  readonly imageDefaults?: boolean | undefined;
  /** With `imageDefaults`: args stand in the place of the image's entrypoint as well. Default: false. */
  readonly replaceEntrypoint?: boolean | undefined;
  /** `user[:group]` by name or number, as Docker looks them up in the image. Default: who the spec says. */
  readonly user?: string | undefined;
  /** Whether Docker may or must fetch the image. Default: `missing`. */
  readonly pull?: "missing" | "never" | "always" | undefined;
  /** Of /dev/shm. Default: what the spec says, else 64 MiB. */
  readonly shmSizeBytes?: number | undefined;
  /** Runs Docker's init as process 1. Default: the engine's choice. */
  readonly init?: boolean | undefined;
  /** Where Docker keeps the output for `docker logs`. Default: the engine's choice. */
  readonly logDriver?: string | undefined;
  readonly logOptions?: Readonly<Record<string, string>> | undefined;
  /** `name:address`, added to /etc/hosts. */
  readonly extraHosts?: readonly string[] | undefined;
  /** Addresses of name servers. */
  readonly dns?: readonly string[] | undefined;
  /** `ignore`: what Docker cannot express is left out. Default: `refuse`, no such container is made. */
  readonly isolation?: "refuse" | "ignore" | undefined;
}

/** The options as a record or a task's creation carries them. The daemon checks them. */
export function dockerOptions(options: DockerOptions): Any {
  return anyOfJson(DOCKER_OPTIONS_TYPE, options);
}
