// What the calls of the service share: whom they ask, and what is known about what they made.
import type { Client } from "../../api/client/client.js";
import type { Logger } from "../../api/core/log.js";
import type { Clock } from "../../api/core/time.js";
import type { Engine } from "../../runtime/docker/engine.js";
import { KeyedMutex } from "../../runtime/keyed-mutex.js";
import type { GcloudOptions } from "./gcloud.js";
import { Logins } from "./logins.js";
import { Ownership } from "./ownership.js";

export interface RunnerDeps {
  /** Of the daemon whose containers and tasks these will be, for the namespace {@link RUNNER_NAMESPACE}. */
  readonly client: Client;
  /** The daemon's engine. */
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Logger;
  /** The server's own environment, for variables that are passed on by their names. Default: that of the process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly gcloud?: GcloudOptions;
  /** Called once Shutdown has been answered: the server is to stop as for a SIGTERM. */
  readonly onShutdown: () => void;
}

/** Where its containers and tasks are found in the daemon. */
export const RUNNER_NAMESPACE = "cros-tool-runner";

/** The state of one server. */
export interface Runner extends Required<RunnerDeps> {
  /** Of this server, random. */
  readonly instance: string;
  readonly networks: Ownership;
  readonly containers: Ownership;
  readonly logins: Logins;
  /** By name: who makes a container, replaces it or puts it away has the name for himself. */
  readonly names: KeyedMutex;
  /** By name: who makes a network. */
  readonly networkNames: KeyedMutex;
  /** By the ids of containers that a template described, the network that was asked for. */
  readonly templated: Map<string, string>;
  /** By the names of containers that are given access tokens, where these are written. */
  readonly tokenFolders: Map<string, { readonly folder: string }>;
  /** Aborted when the server ends; what watches containers ends then. */
  readonly ending: AbortSignal;
}

export function makeRunner(deps: RunnerDeps, instance: string, ending: AbortSignal): Runner {
  return {
    ...deps,
    env: deps.env ?? process.env,
    gcloud: deps.gcloud ?? {},
    instance,
    networks: new Ownership(),
    containers: new Ownership(),
    logins: new Logins(deps),
    names: new KeyedMutex(),
    networkNames: new KeyedMutex(),
    templated: new Map(),
    tokenFolders: new Map(),
    ending,
  };
}
