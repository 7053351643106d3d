// The container service on a socket of a test's own, over a daemon in the test's process and an engine; and its client as a stranger
// would generate it.
import { join } from "node:path";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { expect } from "vitest";
import type { Client } from "../../api/client/client.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { silentLogger } from "../../api/core/log.js";
import { systemClock } from "../../api/core/time.js";
import {
  type Container,
  CrosToolRunnerContainerServiceClient,
  LoginRegistryRequest,
  type LoginRegistryResponse,
  type Network,
  StackCommandsRequest,
  type StackCommandsResponse,
  StartContainerRequest,
  StartTemplatedContainerRequest,
} from "../../api/gen/chromiumos/test/api/cros_tool_runner_container_service.js";
import { openEngine } from "../../runtime/docker/engine.js";
import { defineCrosToolRunner, RUNNER_NAMESPACE, type RunnerDeps } from "../../services/cros-tool-runner/service.js";
import { serveGrpc } from "../../services/grpc/server.js";
import type { DockerEngine } from "./docker-engine.js";
import { startEmbedded } from "./embedded.js";
import { call } from "./grpc.js";
import { tempDir } from "./temp.js";

/** A message of which only what matters is given. */
type Part<T> = T extends Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? Part<Item>[]
    : T extends { $case: string; value: unknown }
      ? { $case: T["$case"]; value: Part<T["value"]> }
      : T extends object
        ? { [K in Exclude<keyof T, "_unknownFields">]?: Part<NonNullable<T[K]>> }
        : T;

/** Its calls, each on the wire. */
export interface RunnerCalls {
  createNetwork(name: string): Promise<Network | undefined>;
  getNetwork(name: string): Promise<Network | undefined>;
  getContainer(name: string): Promise<Container | undefined>;
  login(request: Part<LoginRegistryRequest>): Promise<LoginRegistryResponse>;
  start(request: Part<StartContainerRequest>): Promise<Container | undefined>;
  startTemplated(request: Part<StartTemplatedContainerRequest>): Promise<Container | undefined>;
  stack(requests: Part<StackCommandsRequest["requests"]>): Promise<StackCommandsResponse>;
  shutdown(): Promise<unknown>;
}

export interface TestRunner extends RunnerCalls, AsyncDisposable {
  /** Of the daemon, in the runner's namespace. */
  readonly client: Client;
  /** How often Shutdown has asked for the end. */
  shutdowns(): number;
  /** Ends it as a crash would: what it owns stays. */
  abandon(): Promise<void>;
}

export type TestRunnerOptions = Partial<Omit<RunnerDeps, "client" | "engine">> & {
  /** Folder of the daemon. Default: a fresh one. */
  readonly dir?: string;
};

/** Starts it. Disposing it ends the server in order, so what it owns goes. */
export async function startRunner(
  engine: Pick<DockerEngine, "host">,
  options: TestRunnerOptions = {},
): Promise<TestRunner> {
  await using scope = new DisposeScope();
  const { dir = await tempDir(scope), log = silentLogger, clock = systemClock, ...more } = options;
  const daemon = await startEmbedded(scope, { dir, dockerHost: engine.host });
  const client = scope.use(daemon.client({ namespace: RUNNER_NAMESPACE }));
  let shutdowns = 0;
  const onShutdown = (): void => {
    shutdowns += 1;
  };
  const own = scope.use(openEngine({ host: engine.host }));
  const runner = scope.use(defineCrosToolRunner({ client, log, clock, engine: own, onShutdown, ...more }));
  await runner.resume();
  const path = join(dir, "ctr.sock");
  scope.use(await serveGrpc({ path, services: [runner.service], log }));
  const calls = scope.use(runnerCalls(`unix:${path}`));
  const owned = scope.release();
  return {
    ...calls,
    client,
    shutdowns: () => shutdowns,
    abandon: async () => {
      // Without it nothing can be stopped.
      await own[Symbol.asyncDispose]();
      await owned[Symbol.asyncDispose]();
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

/** The calls of the service at this address. */
export function runnerCalls(target: string): RunnerCalls & Disposable {
  const raw = new CrosToolRunnerContainerServiceClient(target, credentials.createInsecure());
  const none = new Metadata();
  return {
    createNetwork: async (name) => (await call(raw, raw.createNetwork, { name }, none)).network,
    getNetwork: async (name) => (await call(raw, raw.getNetwork, { name }, none)).network,
    getContainer: async (name) => (await call(raw, raw.getContainer, { name }, none)).container,
    login: (request) => call(raw, raw.loginRegistry, LoginRegistryRequest.fromPartial(request), none),
    start: async (request) =>
      (await call(raw, raw.startContainer, StartContainerRequest.fromPartial(request), none)).container,
    startTemplated: async (request) => {
      const whole = StartTemplatedContainerRequest.fromPartial(request);
      return (await call(raw, raw.startTemplatedContainer, whole, none)).container;
    },
    stack: (requests) => call(raw, raw.stackCommands, StackCommandsRequest.fromPartial({ requests }), none),
    shutdown: () => call(raw, raw.shutdown, {}, none),
    [Symbol.dispose]: () => raw.close(),
  };
}

/** How a call failed. */
export interface CallFailure {
  /** By its name. */
  readonly code: string;
  readonly message: string;
  readonly trailers: Metadata;
}

/** @throws when it does not fail. */
export async function failureOf(failing: Promise<unknown>): Promise<CallFailure> {
  const error = await failing.then(
    () => expect.fail("the call succeeded"),
    (reason: unknown) => reason as ServiceError, // grpc-js rejects with nothing else
  );
  return { code: status[error.code] ?? "", message: error.details, trailers: error.metadata };
}
