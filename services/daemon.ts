// The composition root: the only place that knows every room. It opens them in the order in which they need each other and
// lets them go in reverse. Tasks live in shims, so they neither start nor end with a daemon.
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Client, createClient } from "../api/client/client.js";
import { hostPlatform } from "../api/client/distribution/platform.js";
import { DisposeScope } from "../api/core/dispose.js";
import { errorOf } from "../api/core/errors.js";
import { type Logger, silentLogger } from "../api/core/log.js";
import { type Clock, systemClock } from "../api/core/time.js";
import { Platform } from "../api/gen/types/platform.js";
import { DATABASE_FILE } from "../metadata/db.js";
import { openMetadata } from "../metadata/index.js";
import { lockFolder } from "../metadata/owner-lock.js";
import { TASK_PLUGIN } from "../runtime/bundle.js";
import { openContentBackend } from "../runtime/content/backend.js";
import { createDiffer } from "../runtime/diff/differ.js";
import type { DriverDefinition } from "../runtime/driver.js";
import { runtimeDrivers } from "../runtime/drivers/index.js";
import { optDirOf } from "../runtime/opt-dir.js";
import { makeRuntimeDir } from "../runtime/sys/runtime-dir.js";
import { TaskManager } from "../runtime/task-manager.js";
import { serveTtrpc } from "../runtime/ttrpc/server.js";
import {
  completeConfig,
  type DaemonConfig,
  type DaemonOptions,
  defaultAddress,
  defaultPlaces,
  TTRPC_SUFFIX,
} from "./daemon-config.js";
import { createDebug } from "./debug/debug.js";
import { createDoctor } from "./doctor/doctor.js";
import { createDriverImages } from "./driver-images.js";
import { catchUpFrom } from "./events/catch-up.js";
import { examiners } from "./examiners.js";
import { MAX_MESSAGE_BYTES, serveGrpc } from "./grpc/server.js";
import { prepareSocketPath } from "./grpc/socket.js";
import { keepLogs } from "./kept-logs.js";
import { LocalChannel } from "./local/channel.js";
import { LocalServer } from "./local/server.js";
import { makeOwnFolder } from "./own-folder.js";
import { readPackageInfo } from "./package-info.js";
import { defineServices } from "./registry.js";
import { triedBackends } from "./tried-backends.js";
import { defineShimEventsService } from "./ttrpc/events.js";

export {
  completeConfig,
  type DaemonConfig,
  type DaemonOptions,
  daemonConfigSchema,
  defaultAddress,
  defaultPlaces,
} from "./daemon-config.js";
export { readPackageInfo } from "./package-info.js";

/** What a daemon takes from its surroundings; everything has a default. */
export interface DaemonDeps {
  /** Default: silent. */
  readonly log?: Logger;
  /** Default: the system's clock. */
  readonly clock?: Clock;
  /** Runtime drivers of your own, in order of preference; what none of them takes goes to those that are built in. Default: none. */
  readonly drivers?: readonly DriverDefinition[];
  /**
   * Called when the store can no longer tell whether its changes last; the daemon answers nothing from then on and should be
   * disposed. Default: the process exits with status 1.
   */
  readonly onFatal?: (error: Error) => void;
}

/** Of the calls of a client whose own context does not say otherwise. */
export interface DaemonClientOptions {
  /** Default: none, and what needs one is refused. */
  readonly namespace?: string | undefined;
  /** Default: none. */
  readonly leaseId?: string | undefined;
}

/**
 * A running daemon. Disposing stops it: calls finish, those that only wait fail as unavailable, its sockets and its lock go,
 * tasks stay.
 */
export interface Daemon extends AsyncDisposable {
  /** Path of the gRPC socket; undefined when none was asked for. */
  readonly address: string | undefined;
  /** Path of the socket on which shims report events. */
  readonly ttrpcAddress: string;
  /** As version.v1 tells it. */
  readonly version: string;
  /**
   * A client of this daemon that needs no socket: the same interface, behaviour and errors as one of `connect()`. What calls hand
   * over is not copied: leave it alone until they have settled. The client ends with the daemon, or earlier when it is disposed.
   * @throws invalid_argument for options of types that only JavaScript can give.
   */
  client(options?: DaemonClientOptions): Client;
}

/** The containerd release whose services and fields this daemon has; clients switch features on by it. */
const COMPATIBLE_VERSION = "1.7.0";
const FOLDER_MODE = 0o711;
const ROOT_MODE = 0o700;
/** Folders below the root are named as containerd names them, after its plugins. */
const TEMP_MOUNTS_FOLDER = "tmpmounts";
const CONTENT_FOLDER = "io.containerd.content.v1.content";

/**
 * Starts a daemon in this process; it serves when the promise resolves, and knows the tasks of its predecessor. It listens for
 * other programs only at an `address`; {@link Daemon.client} needs none. Several may live side by side, each with its own folders.
 * @throws failed_precondition when the folder or the socket is in use; invalid_argument for a bad option; permission_denied for a
 * folder that this user may not write to.
 */
export async function createDaemon(options: DaemonOptions = {}, deps: DaemonDeps = {}): Promise<Daemon> {
  const { log = silentLogger, clock = systemClock, drivers = [] } = deps;
  const uid = process.getuid?.() ?? -1;
  const places = defaultPlaces(uid, process.env);
  const config = completeConfig(options, places);
  // Shims are told an address, and ask for nothing there: one that nobody serves tells whose they are as well.
  const { address, address: identity = defaultAddress(config.state) } = config;
  const ttrpcAddress = identity + TTRPC_SUFFIX;
  const info = readPackageInfo();
  const version = `${COMPATIBLE_VERSION}+berth.${info.version}`;
  await using scope = new DisposeScope();

  // The usual place for a user's state may be one where others can put something.
  const shared = dirname(places.state);
  const problem = uid !== 0 && dirname(config.state) === shared ? makeRuntimeDir(shared, uid) : undefined;
  if (problem !== undefined) throw errorOf("permission_denied", problem);
  // A live daemon at the address is found out before anything of its is touched.
  if (address !== undefined) await prepareSocketPath(address);
  const { containerd2017 } = config;
  if (containerd2017 !== undefined) {
    if ([address, ttrpcAddress].includes(containerd2017.address))
      throw errorOf(
        "invalid_argument",
        `${containerd2017.address} serves today's API: that of 2017 needs another address`,
      );
    await prepareSocketPath(containerd2017.address);
  }
  await makeOwnFolder("state folder", config.state, FOLDER_MODE);
  // Two daemons over one state folder would take each other's tasks for leftovers.
  if (config.state !== config.root) scope.use(lockFolder(config.state, "state folder"));
  await makeOwnFolder("root folder", config.root, ROOT_MODE);
  const contentDir = join(config.root, CONTENT_FOLDER);
  const content = await openContentBackend({ rootDir: contentDir, clock });
  const { contentSharing } = config;
  const { usable: backends, unusable: unusableSnapshotters } = await triedBackends(config.root, log);
  const metadata = scope.use(
    await openMetadata({
      root: config.root,
      clock,
      log,
      onFatal: deps.onFatal,
      content,
      contentSharing,
      snapshotBackends: backends,
      layersApart: isWorthIt(config.parallelLayers),
      collectorPolicy: config.gc,
      exitRetention: config.exits,
    }),
  );
  const { keeper: logs } = scope.use(
    keepLogs({
      rootDir: config.root,
      stateDir: config.state,
      program: join(info.rootDir, "bin", "berth-log-writer"),
      settings: config.logs,
      containers: metadata.containers,
      events: metadata.events,
      clock,
      log,
    }),
  );
  const tasks = scope.use(
    new TaskManager({
      drivers: [...drivers, ...runtimeDrivers],
      containers: metadata.containers,
      ledger: metadata.events,
      rootDir: config.root,
      stateDir: config.state,
      address: identity,
      ttrpcAddress,
      publishBinary: join(info.rootDir, "bin", "berthd"),
      debug: config.debug,
      warmShims: config.warmShims,
      dockerHost: config.dockerHost,
      lxdSocket: config.lxdSocket,
      images: createDriverImages(metadata),
      outputs: logs,
      lastLines: logs,
      log,
      clock,
    }),
  );
  const catchUp = await catchUpFrom(metadata.events, clock);
  await tasks.load();
  const shimEvents = defineShimEventsService({ forward: (envelope) => tasks.forward(envelope) });
  await prepareSocketPath(ttrpcAddress);
  scope.use(await serveTtrpc({ path: ttrpcAddress, services: [shimEvents], log }));
  const differ = scope.use(
    await createDiffer({
      content: metadata.content,
      blobPath: (digest) => content.path(digest),
      tempDir: join(config.root, TEMP_MOUNTS_FOLDER),
      log,
    }),
  );
  const databasePath = join(config.root, DATABASE_FILE);
  const { containers, events } = metadata;
  const examining = {
    address: identity,
    rootDir: config.root,
    stateDir: config.state,
    isRoot: uid === 0,
    unusableSnapshotters,
    tasks,
    metadata,
    differ,
    logs,
  };
  const services = defineServices({
    ...metadata,
    catchUp,
    log,
    tasks,
    logs,
    differ,
    doctor: createDoctor({ examiners: examiners(examining), events, clock, log }),
    debug: createDebug(),
    clock,
    serverId: metadata.storeId,
    version,
    revision: info.commit,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    databasePath,
    contentDir,
    bundlesDir: join(config.state, TASK_PLUGIN),
    optDir: optDirOf(config.root),
    contentSharing,
    gc: config.gc,
    snapshotters: metadata.snapshots.all(),
    platform: announcedPlatform(),
    descriptorsPath: fileURLToPath(new URL("../api/gen/api.binpb", import.meta.url)),
  });
  const stopDeadlineMs = config.stopTimeoutMs;
  const local = new LocalServer({ services, log, stopDeadlineMs });
  const grpc = address === undefined ? undefined : await serveGrpc({ path: address, services, log, stopDeadlineMs });
  let old: AsyncDisposable | undefined;
  if (containerd2017 !== undefined) {
    // Code that most daemons never need.
    const { serveContainerd2017 } = await import("./containerd-2017-server.js");
    const { content: blobs } = metadata;
    const deps = {
      containers,
      tasks,
      content: blobs,
      differ,
      events,
      clock,
      log,
      rootDir: config.root,
      stopDeadlineMs,
    };
    old = await serveContainerd2017(containerd2017, deps);
  }
  // At the same time, since each waits for its own calls.
  const servers = [local, grpc, old].filter((server) => server !== undefined);
  scope.defer(() => Promise.all(servers.map((server) => server[Symbol.asyncDispose]())));

  const owned = scope.release();
  return {
    address,
    ttrpcAddress,
    version,
    client: ({ namespace, leaseId }: DaemonClientOptions = {}) =>
      createClient(new LocalChannel(local, { namespace, leaseId })),
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** One thread fills a layer while another decompresses it, so a lone processor has nothing left for a second layer. */
const isWorthIt = (parallelLayers: DaemonConfig["parallelLayers"]): boolean =>
  parallelLayers === "auto" ? availableParallelism() > 1 : parallelLayers === "always";

/** This host as introspection announces it: containerd tells the default variant of arm64 too. */
function announcedPlatform(): Platform {
  const { os, architecture, variant } = hostPlatform();
  return Platform.fromPartial({ os, architecture, variant: architecture === "arm64" ? "v8" : variant });
}
