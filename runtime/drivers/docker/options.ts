// The options of the Docker runtime: what an OCI spec has no words for, such as networks and published ports.
import * as z from "zod";
import type { Any } from "../../../api/core/typeurl.js";
import { parseJsonOptions } from "../../json-options.js";

/** The options as JSON. */
export const DOCKER_OPTIONS_TYPE = "io.berth.docker.v1.Options";

const MAX_PORT = 65_535;
const port = z.number().int().min(0).max(MAX_PORT);
const text = z.string().min(1);
const protocol = z.enum(["tcp", "udp", "sctp"]);

const publishedPort = z.strictObject({
  containerPort: port.min(1),
  protocol: protocol.default("tcp"),
  /** An address of the engine's host. Whoever wants the whole world to come in says `0.0.0.0`. */
  hostIp: z.string().default("127.0.0.1"),
  /** 0: one that is free. */
  hostPort: port.default(0),
});

const optionsSchema = z.strictObject({
  /** `bridge`, `none`, `host`, `container:<name>` or a network's name. Default: what the spec says, else Docker's default network. */
  network: text.optional(),
  /** Names of the container for its neighbours in `network`, which must be one that somebody made. */
  networkAliases: z.array(text).optional(),
  ports: z.array(publishedPort).optional(),
  /** Publishes every port that image or options expose on a free one of all addresses of the host. */
  publishAll: z.boolean().default(false),
  /** `80/tcp`, `53/udp`; `80` is `80/tcp`. */
  expose: z.array(z.string().regex(/^[1-9]\d{0,4}(\/(tcp|udp|sctp))?$/, "no port such as 80/tcp")).optional(),
  /** Of the container at Docker. Default: one made of namespace and id. */
  name: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/, "no name of a Docker container")
    .optional(),
  /**
   * The spec says only what differs from the image: its args follow the image's entrypoint, and an absent or empty cwd, user
   * or env is the image's. Default: a spec is the whole truth, as clients of containerd merge the image's configuration themselves.
   */
  imageDefaults: z.boolean().default(false),
  /** With `imageDefaults`: args stand in the place of the image's entrypoint as well, as under the runtimes of containerd. */
  replaceEntrypoint: z.boolean().default(false),
  /** `user[:group]` by name or number, as Docker looks them up in the image. Default: who the spec says. */
  user: text.optional(),
  /** Whether Docker may or must fetch the image. */
  pull: z.enum(["missing", "never", "always"]).default("missing"),
  /** Of /dev/shm. Default: what the spec says, else 64 MiB. */
  shmSizeBytes: z.number().int().positive().optional(),
  /** Runs Docker's init as process 1. Default: the engine's. */
  init: z.boolean().optional(),
  /** Where Docker keeps the output for `docker logs`. Default: the engine's. */
  logDriver: text.optional(),
  logOptions: z.record(z.string(), z.string()).optional(),
  /** `name:address`, added to /etc/hosts. */
  extraHosts: z.array(text).optional(),
  /** Addresses of name servers. */
  dns: z.array(text).optional(),
  /** `ignore`: what Docker cannot express is left out. `refuse`, the default: no such container is made. */
  isolation: z.enum(["refuse", "ignore"]).default("refuse"),
});

export type DockerOptions = z.infer<typeof optionsSchema>;

/** None, and empty ones of runc's type, which clients send without being asked, are the defaults. @throws invalid_argument. */
export const parseDockerOptions = (options: Any | undefined): DockerOptions =>
  parseJsonOptions(options, DOCKER_OPTIONS_TYPE, optionsSchema);
