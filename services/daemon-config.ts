// What a daemon needs to be told. Everything is optional; the defaults depend on who runs it.
import { isAbsolute, join } from "node:path";
import * as z from "zod";
import { defaultSnapshotter } from "../api/client/default-snapshotter.js";
import { invalidArgument } from "../api/core/errors.js";
import { validateIdentifier } from "../api/core/identifiers.js";
import { parseEngineHost } from "../runtime/docker/engine-host.js";
import { runtimeDirOf } from "../runtime/sys/runtime-dir.js";
import { type CollectorConfig, collectorConfigSchema } from "./collector-config.js";
import { type ExitsConfig, exitsConfigSchema } from "./exits-config.js";
import { MAX_SOCKET_PATH_BYTES } from "./grpc/socket.js";
import { type LogsConfig, logsConfigSchema } from "./logs-config.js";

/** Shims report events at the gRPC socket's path with this behind it. */
export const TTRPC_SUFFIX = ".ttrpc";

const folder = z.string().refine((path) => path.startsWith("/"), "must be an absolute path");
const socket = folder.refine(
  (path) => Buffer.byteLength(path + TTRPC_SUFFIX) <= MAX_SOCKET_PATH_BYTES,
  `must be a path of at most ${MAX_SOCKET_PATH_BYTES - TTRPC_SUFFIX.length} bytes`,
);

/** Where the daemon of a state folder serves unless it is told another place. */
export const defaultAddress = (state: string): string => join(state, "berth.sock");

const socketFolder = z
  .string()
  .refine(
    (path) => socket.safeParse(defaultAddress(path)).success,
    `must be a path of at most ${MAX_SOCKET_PATH_BYTES - defaultAddress("/").length - TTRPC_SUFFIX.length} bytes, as sockets lie in it`,
  );

const engineHost = z.string().refine((host) => {
  try {
    parseEngineHost(host, {});
    return true;
  } catch {
    return false;
  }
}, "must be unix:///path or tcp://host:port");

const identifier = z.string().refine((name) => {
  try {
    validateIdentifier(name);
    return true;
  } catch {
    return false;
  }
}, "must be an identifier");

const containerd2017Schema = z.strictObject({
  address: folder
    .refine(
      (path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES,
      `must have at most ${MAX_SOCKET_PATH_BYTES} bytes`,
    )
    .describe("unix socket of that API; never the daemon's own"),
  namespace: identifier.default("default").describe("what calls are about that name no namespace"),
  snapshotter: identifier
    .default(defaultSnapshotter)
    .describe("whose keys the root file systems of containers are; default: the one that images are unpacked for"),
});

/** Where and how the API of containerd in May 2017 is served. */
export type Containerd2017Config = Readonly<z.output<typeof containerd2017Schema>>;

/** Unknown keys are refused. */
export const daemonConfigSchema = z.strictObject({
  root: folder.optional().describe("folder of what must last: the database"),
  state: folder.optional().describe("folder of what ends with the host: bundles of tasks"),
  address: socket
    .optional()
    .describe(
      "unix socket of the gRPC API; shims report events at the same path with .ttrpc. Without it the daemon is there for its " +
        "own process only, and shims report at berth.sock.ttrpc in the state folder",
    ),
  stopTimeoutMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(5_000)
    .describe("milliseconds that calls may take to finish when the daemon stops"),
  warmShims: z
    .int()
    .min(0)
    .max(8)
    .default(2)
    .describe("shims kept started ahead of need for each namespace in use; 0 for none"),
  parallelLayers: z
    .enum(["auto", "always", "never"])
    .default("auto")
    .describe("whether layers of one image are unpacked at the same time; auto: on two processors or more"),
  contentSharing: z
    .enum(["shared", "isolated"])
    .default("shared")
    .describe("whether a namespace may take over the blobs of another one by their digests"),
  gc: collectorConfigSchema.prefault({}).describe("when the collector runs"),
  exits: exitsConfigSchema.prefault({}).describe("how long it is remembered how tasks ended"),
  logs: logsConfigSchema.prefault({}).describe("whose output is kept, and how much of it"),
  dockerHost: engineHost
    .optional()
    .describe(
      "engine for tasks of runtime io.berth.docker.v1; without it DOCKER_HOST, else unix:///var/run/docker.sock. It is not " +
        "spoken to before there is such a task",
    ),
  lxdSocket: folder
    .optional()
    .describe(
      "LXD for tasks of runtime io.berth.lxd.v1; without it unix.socket in the folder LXD_DIR, else in /var/lib/lxd. It is not " +
        "spoken to before there is such a task",
    ),
  containerd2017: containerd2017Schema
    .optional()
    .describe("the API of containerd in May 2017, for clients of that time; without it that API is not served"),
  debug: z.boolean().default(false).describe("whether shims are asked for debug output"),
});

/** As a caller writes it. */
export type DaemonOptions = z.input<typeof daemonConfigSchema>;

/** With every default filled in. */
export interface DaemonConfig {
  readonly root: string;
  readonly state: string;
  /** Where the gRPC API is served; undefined for nowhere. */
  readonly address: string | undefined;
  readonly stopTimeoutMs: number;
  readonly warmShims: number;
  readonly parallelLayers: "auto" | "always" | "never";
  readonly contentSharing: "shared" | "isolated";
  readonly gc: CollectorConfig;
  readonly exits: ExitsConfig;
  readonly logs: LogsConfig;
  /** undefined: what the environment's DOCKER_HOST says, else the engine's usual socket. */
  readonly dockerHost: string | undefined;
  /** undefined: `unix.socket` in the folder that the environment's LXD_DIR names, else in /var/lib/lxd. */
  readonly lxdSocket: string | undefined;
  /** undefined: that API is not served. */
  readonly containerd2017: Containerd2017Config | undefined;
  readonly debug: boolean;
}

export interface Places {
  readonly root: string;
  readonly state: string;
  readonly configFile: string;
}

/** Where things are for root, and for any other user by the XDG rules; relative folders in the environment do not count. */
export function defaultPlaces(uid: number, env: Readonly<Record<string, string | undefined>>): Places {
  if (uid === 0) return { root: "/var/lib/berth", state: "/run/berth", configFile: "/etc/berth/config.toml" };
  const folderOf = (name: string, below: string): string => {
    const given = env[name];
    return given !== undefined && isAbsolute(given) ? given : join(env["HOME"] ?? "/", below);
  };
  return {
    root: join(folderOf("XDG_DATA_HOME", ".local/share"), "berth"),
    state: join(runtimeDirOf(uid, env), "berth"),
    configFile: join(folderOf("XDG_CONFIG_HOME", ".config"), "berth/config.toml"),
  };
}

/** Checks and completes. @throws invalid_argument that names every bad option. */
export function completeConfig(options: DaemonOptions, places: Places): DaemonConfig {
  const parsed = checked(daemonConfigSchema, options);
  const state = parsed.state ?? places.state;
  if (parsed.address === undefined) checked(z.object({ state: socketFolder }), { state });
  return {
    root: parsed.root ?? places.root,
    state,
    address: parsed.address,
    stopTimeoutMs: parsed.stopTimeoutMs,
    warmShims: parsed.warmShims,
    parallelLayers: parsed.parallelLayers,
    contentSharing: parsed.contentSharing,
    gc: parsed.gc,
    exits: parsed.exits,
    logs: parsed.logs,
    dockerHost: parsed.dockerHost,
    lxdSocket: parsed.lxdSocket,
    containerd2017: parsed.containerd2017,
    debug: parsed.debug,
  };
}

function checked<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const problems = result.error.issues.map(({ path, message }) =>
    path.length > 0 ? `${path.join(".")}: ${message}` : message,
  );
  throw invalidArgument(`options of the daemon: ${problems.join("; ")}`, result.error);
}
