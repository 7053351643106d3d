// The server of a VM host's system containers: a daemon with its own store, whose containers run on LXD, and in front of it the
// container service, which tells a listener elsewhere how things go on.
import { isIPv4 } from "node:net";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DisposeScope } from "../api/core/dispose.js";
import { invalidArgument } from "../api/core/errors.js";
import { silentLogger } from "../api/core/log.js";
import { systemClock } from "../api/core/time.js";
import { LxdServer } from "../runtime/lxd/server.js";
import { createDaemon, type Daemon, type DaemonDeps, defaultPlaces } from "./daemon.js";
import { parsePlace, serveAt } from "./grpc/place.js";
import { MAX_SOCKET_PATH_BYTES } from "./grpc/socket.js";
import { defineHealthService } from "./health/service.js";
import { makeOwnFolder } from "./own-folder.js";
import { defineReflectionServices } from "./reflection/service.js";
import { openListener } from "./tremplin/listener.js";
import { defineTremplin, TREMPLIN_NAMESPACE, type TremplinSettings } from "./tremplin/service.js";
import type { Timers } from "./tremplin/timers.js";

/** Where its store, its state and its sockets are; below the usual folders of root, or of a user by the XDG rules. */
export interface TremplinPlaces {
  readonly root: string;
  readonly state: string;
  /** Of the daemon: what `berth` and other clients of containerd dial. */
  readonly berthAddress: string;
  /** Of the service: `unix:PATH` or `HOST:PORT`, which is of this host only without a HOST. */
  readonly address: string;
  readonly lxdDir: string;
}

const NAME = "tremplin";
const LXD_DIR = "/var/lib/lxd";
/** Users of containers come through them to what is theirs. */
const FOLDER_MODE = 0o711;
/** A token is for the users of one container, whom the file's mode lets in, and for nobody outside. */
const TOKENS_MODE = 0o700;
/** Of a network that has room for a container. */
const LARGEST_WIDTH = 30;

/** The places of a server that is told none. */
export function tremplinPlaces(
  uid: number,
  env: Readonly<Record<string, string | undefined>>,
  given: { readonly [K in keyof TremplinPlaces]?: string | undefined } = {},
): TremplinPlaces {
  const usual = defaultPlaces(uid, env);
  const state = given.state ?? join(dirname(usual.state), NAME);
  return {
    root: given.root ?? join(dirname(usual.root), NAME),
    state,
    berthAddress: given.berthAddress ?? join(state, "berth.sock"),
    address: given.address ?? `unix:${join(state, `${NAME}.sock`)}`,
    lxdDir: given.lxdDir ?? env["LXD_DIR"] ?? LXD_DIR,
  };
}

export interface TremplinServerOptions
  extends TremplinPlaces,
    Omit<TremplinSettings, "lxdDir" | "tokensDir" | "lxdLog"> {
  /** Whom it tells: `unix:PATH` or `HOST:PORT`. */
  readonly listener: string;
}

export interface TremplinServerDeps extends DaemonDeps {
  /** Default: the system's. */
  readonly timers?: Timers;
}

/** Disposing it lets running calls finish, ends what goes on behind them, and ends the LXD that it runs, with its containers. */
export interface TremplinServer extends AsyncDisposable {
  /** Where it serves: `unix:/path`, `127.0.0.1:8890`. */
  readonly listening: string;
  readonly daemon: Daemon;
}

/**
 * Starts the server; it serves when the promise resolves, and the listener has been told so. LXD is not started before somebody asks.
 * @throws unavailable or deadline_exceeded when the listener cannot be told; failed_precondition when a socket, a port or a folder is
 * in use; invalid_argument; permission_denied
 */
export async function createTremplinServer(
  { root, state, berthAddress, address, listener: listenerAddress, ...settings }: TremplinServerOptions,
  { timers, ...deps }: TremplinServerDeps = {},
): Promise<TremplinServer> {
  const { log = silentLogger, clock = systemClock } = deps;
  const lxdDir = resolve(settings.lxdDir);
  const lxdSocket = join(lxdDir, "unix.socket");
  if (Buffer.byteLength(lxdSocket) > MAX_SOCKET_PATH_BYTES) {
    throw invalidArgument(`LXD's folder ${lxdDir} has too long a name for the socket in it`);
  }
  const { lxdSubnet } = settings;
  if (lxdSubnet !== undefined) checkSubnet(lxdSubnet);
  const place = parsePlace(address);
  await using scope = new DisposeScope();
  const listener = scope.use(openListener({ address: listenerAddress, log }));
  const daemon = scope.use(await createDaemon({ root, state, address: berthAddress, lxdSocket }, deps));
  const tokensDir = join(state, "tokens");
  await makeOwnFolder("folder of tokens", tokensDir, TOKENS_MODE);
  await makeOwnFolder("LXD's folder", lxdDir, FOLDER_MODE);
  const tremplin = scope.use(
    defineTremplin({
      ...settings,
      client: scope.use(daemon.client({ namespace: TREMPLIN_NAMESPACE })),
      lxd: scope.use(new LxdServer({ socketPath: lxdSocket })),
      listener,
      clock,
      log,
      lxdDir,
      tokensDir,
      lxdLog: join(state, "lxd.log"),
      ...(timers !== undefined && { timers }),
    }),
  );
  const services = [tremplin.service, defineHealthService()];
  const reflection = defineReflectionServices({
    descriptorsPath: fileURLToPath(new URL("../api/gen/api.binpb", import.meta.url)),
    services,
    knows: "needed",
  });
  const served = { services: [...services, ...reflection], log };
  const { address: listening } = scope.use(await serveAt(place, served));
  await listener.call("tremplinReady", {});
  const owned = scope.release();
  return { listening, daemon, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() };
}

/** @throws invalid_argument */
function checkSubnet(subnet: string): void {
  const [address = "", width = "", ...more] = subnet.split("/");
  const isWidth = /^\d{1,2}$/.test(width) && Number(width) <= LARGEST_WIDTH;
  if (isIPv4(address) && isWidth && more.length === 0) return;
  throw invalidArgument(
    `LXD's subnet is an address and a width, as in 100.115.92.193/28, not ${JSON.stringify(subnet)}`,
  );
}
