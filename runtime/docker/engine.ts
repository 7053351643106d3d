// A connection to a Docker engine, which is not dialled before the first call: each call has a deadline and fails with one of our
// kinds. What is asked of the engine is the callers' business.
import { setMaxListeners } from "node:events";
import { readFile } from "node:fs/promises";
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import type Dockerode from "dockerode";
import { ContainerdError, type ErrorKind, errorKind, errorOf } from "../../api/core/errors.js";
import { engineError } from "./engine-errors.js";
import { type EngineAddress, engineHost, parseEngineHost } from "./engine-host.js";

const DEFAULT_TIMEOUT_MS = 30_000;

export interface EngineOptions {
  /** `unix:///path` or `tcp://host:port`. Default: DOCKER_HOST of `env`, else `unix:///var/run/docker.sock`. */
  readonly host?: string | undefined;
  /** Of each call that says nothing else. Default: 30 s. */
  readonly timeoutMs?: number;
  /** For DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH. Default: the environment of the process. */
  readonly env?: NodeJS.ProcessEnv;
}

export interface CallOptions {
  /** Ends the waiting, not necessarily the deed. */
  readonly signal?: AbortSignal | undefined;
  /** Infinity: no deadline. */
  readonly timeoutMs?: number;
  /** What a 409 of this call means. Default: failed_precondition. */
  readonly conflict?: ErrorKind;
}

/** An engine that may be there or not. Disposing it ends the calls under way; nothing in the engine changes. */
export interface Engine extends AsyncDisposable {
  readonly host: string;
  /** Behind a unix socket: its pids are most likely this host's. */
  readonly isLocal: boolean;
  /**
   * Runs `work` with a client of the engine; `signal` aborts when the caller's does, at the deadline, and at the end of this engine.
   * `what` names the deed in errors: "start container x".
   * @throws not_found, failed_precondition, invalid_argument, permission_denied, … by the engine's status; unavailable when nobody
   * answers at its address; cancelled; deadline_exceeded.
   */
  call<T>(
    what: string,
    work: (docker: Dockerode, signal: AbortSignal) => Promise<T>,
    options?: CallOptions,
  ): Promise<T>;
}

/** Dials nothing yet. @throws invalid_argument for a host of another form. */
export function openEngine(options: EngineOptions = {}): Engine {
  return new DialledEngine(options);
}

class DialledEngine implements Engine {
  readonly host: string;
  readonly #address: EngineAddress;
  readonly #timeoutMs: number;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #disposed = new AbortController();
  #client: Promise<Dockerode> | undefined;

  constructor({ host, timeoutMs = DEFAULT_TIMEOUT_MS, env = process.env }: EngineOptions) {
    this.host = engineHost(host, env);
    this.#address = parseEngineHost(this.host, env);
    this.#timeoutMs = timeoutMs;
    // Each call under way listens to it.
    setMaxListeners(0, this.#disposed.signal);
    const isSecure = this.#address.kind === "tcp" && this.#address.tls !== undefined;
    this.#agent = isSecure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  }

  get isLocal(): boolean {
    return this.#address.kind === "unix";
  }

  async call<T>(
    what: string,
    work: (docker: Dockerode, signal: AbortSignal) => Promise<T>,
    { signal, timeoutMs = this.#timeoutMs, conflict = "failed_precondition" }: CallOptions = {},
  ): Promise<T> {
    const over = new AbortController();
    const giveUp = (kind: ErrorKind): void => over.abort(errorOf(kind, `docker engine at ${this.host}: ${what}`));
    const timer = Number.isFinite(timeoutMs) ? setTimeout(giveUp, timeoutMs, "deadline_exceeded") : undefined;
    const onAbort = (): void =>
      giveUp(errorKind(signal?.reason) === "deadline_exceeded" ? "deadline_exceeded" : "cancelled");
    const onDisposed = (): void => giveUp("cancelled");
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#disposed.signal.addEventListener("abort", onDisposed, { once: true });
    try {
      if (signal?.aborted === true) onAbort();
      if (this.#disposed.signal.aborted) onDisposed();
      over.signal.throwIfAborted();
      return await unlessAborted(over.signal, this.#connect(), work);
    } catch (error) {
      const reason: unknown = over.signal.reason;
      throw over.signal.aborted && reason instanceof ContainerdError
        ? reason
        : engineError(error, { host: this.host, what, conflict });
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#disposed.signal.removeEventListener("abort", onDisposed);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposed.abort();
    this.#agent.destroy();
  }

  #connect(): Promise<Dockerode> {
    this.#client ??= this.#open().catch((error: unknown) => {
      this.#client = undefined;
      throw error;
    });
    return this.#client;
  }

  async #open(): Promise<Dockerode> {
    // It takes a tenth of a second, which a daemon without such tasks need not spend.
    const { default: Client } = await import("dockerode");
    const address = this.#address;
    // All of them are given: what is not would be taken from the environment of the process.
    if (address.kind === "unix") {
      return new Client({ ...clientDefaults(this.#agent), socketPath: address.socketPath, protocol: "http" });
    }
    const { hostname, port, tls } = address;
    const keys =
      tls === undefined
        ? undefined
        : { ca: await readFile(tls.ca), cert: await readFile(tls.cert), key: await readFile(tls.key) };
    const protocol = tls === undefined ? "http" : "https";
    return new Client({ ...clientDefaults(this.#agent), host: hostname, port, protocol, ...keys });
  }
}

type ClientOptions = Dockerode.DockerOptions;

// The client copies what is undefined as well, though its types do not say so.
const clientDefaults = (agent: HttpAgent): ClientOptions =>
  ({ host: undefined, port: undefined, socketPath: undefined, pathPrefix: "/", agent }) as ClientOptions;

/** Whoever gave up is answered at once, also where the client does not heed its signal. */
async function unlessAborted<T>(
  signal: AbortSignal,
  connecting: Promise<Dockerode>,
  work: (docker: Dockerode, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  let onAbort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  const working = connecting.then((docker) => {
    signal.throwIfAborted();
    return work(docker, signal);
  });
  try {
    return await Promise.race([working, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
