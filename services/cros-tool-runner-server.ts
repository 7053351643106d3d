// The server of ChromeOS test labs: a daemon with its own store, and in front of it the container service on a TCP port.
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { DisposeScope } from "../api/core/dispose.js";
import { silentLogger } from "../api/core/log.js";
import { systemClock } from "../api/core/time.js";
import { openEngine } from "../runtime/docker/engine.js";
import { defineCrosToolRunner, RUNNER_NAMESPACE } from "./cros-tool-runner/service.js";
import { createDaemon, type Daemon, type DaemonDeps, type DaemonOptions, defaultPlaces } from "./daemon.js";
import { serveTcp } from "./grpc/tcp.js";
import { defineHealthService } from "./health/service.js";
import { defineReflectionServices } from "./reflection/service.js";

/** Where its store, its state and its socket are; below the usual folders of root, or of a user by the XDG rules. */
export interface RunnerPlaces {
  readonly root: string;
  readonly state: string;
  readonly address: string;
}

const NAME = "cros-tool-runner";
/** Pulls take their time, and a stop waits for them. */
const STOP_DEADLINE_MS = 60_000;

/** The places of a server that is told none. */
export function runnerPlaces(
  uid: number,
  env: Readonly<Record<string, string | undefined>>,
  given: { readonly [K in keyof RunnerPlaces]?: string | undefined } = {},
): RunnerPlaces {
  const usual = defaultPlaces(uid, env);
  const state = given.state ?? join(dirname(usual.state), NAME);
  return {
    root: given.root ?? join(dirname(usual.root), NAME),
    state,
    address: given.address ?? join(state, `${NAME}.sock`),
  };
}

export interface RunnerServerOptions extends DaemonOptions {
  /** Name or address to listen at. Whoever reaches it can start containers with any folder of this host. Default: 127.0.0.1. */
  readonly host?: string;
  /** 0 for a free one. */
  readonly port: number;
}

export interface RunnerServerDeps extends DaemonDeps {
  /** Called when a caller has asked for the end: the server should be disposed. */
  readonly onShutdown: () => void;
}

/** Disposing it lets running calls finish, stops the containers that it started, removes the networks that it made. */
export interface RunnerServer extends AsyncDisposable {
  readonly port: number;
  /** Where it listens: `127.0.0.1:8082`. */
  readonly listening: string;
  readonly daemon: Daemon;
}

/**
 * Starts the server; it serves when the promise resolves. The engine is not needed for that.
 * @throws failed_precondition when port, socket or folders are in use; invalid_argument; permission_denied
 */
export async function createRunnerServer(
  { host, port, ...options }: RunnerServerOptions,
  { onShutdown, ...deps }: RunnerServerDeps,
): Promise<RunnerServer> {
  const { log = silentLogger, clock = systemClock } = deps;
  await using scope = new DisposeScope();
  const daemon = scope.use(await createDaemon(options, deps));
  const engine = scope.use(openEngine({ host: options.dockerHost }));
  const client = scope.use(daemon.client({ namespace: RUNNER_NAMESPACE }));
  const runner = scope.use(defineCrosToolRunner({ client, engine, clock, log, onShutdown }));
  await runner.resume();
  const services = [runner.service, defineHealthService()];
  const reflection = defineReflectionServices({
    descriptorsPath: fileURLToPath(new URL("../api/gen/api.binpb", import.meta.url)),
    services,
    knows: "needed",
  });
  const server = scope.use(
    await serveTcp({
      ...(host !== undefined && { host }),
      port,
      services: [...services, ...reflection],
      log,
      stopDeadlineMs: STOP_DEADLINE_MS,
    }),
  );
  const owned = scope.release();
  return {
    port: server.port,
    listening: server.address,
    daemon,
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}
