// The daemon's end of the bridge: the process of its own that carries the stdio of all Docker tasks of one daemon, so that streams
// go on while the daemon is away.
import type { Logger } from "../../../api/core/log.js";
import type { Stdio } from "../../../api/core/task.js";
import { BridgeLink } from "../../bridge/bridge-link.js";
import { isSilent, plainStdio } from "../../bridge/plain-stdio.js";
import { type DockerTarget, startDetached } from "./target.js";

/** How messages call it. */
export const BRIDGE_NAME = "docker bridge";

export interface BridgeOptions {
  /** Where the bridge listens: a path in a folder that is there. It may be longer than what fits into the address of a socket. */
  readonly socketPath: string;
  /** Of the engine: `unix://…` or `tcp://…`. */
  readonly host: string;
  /** Absolute path of `bin/berth-docker-bridge`. */
  readonly program: string;
  readonly log: Logger;
  /**
   * The bridge ended with these streams under way. Those of containers are attached again by themselves, without what was written
   * meanwhile; those of execs are lost. Default: nobody is told.
   */
  readonly onLost?: (keys: readonly string[]) => void;
}

/** What both sorts of process need for their stdio. */
interface StreamRequest {
  /** Of the task, for log programs. */
  readonly namespace: string;
  readonly id: string;
  readonly stdio: Stdio;
}

export interface AttachRequest extends StreamRequest {
  readonly containerId: string;
  /** Whether the container was made with `OpenStdin`. */
  readonly openStdin: boolean;
  /** Attached before, by a bridge that is gone perhaps: readers of FIFOs are not waited for. Default: false. */
  readonly again?: boolean;
}

export interface ExecRequest extends StreamRequest {
  readonly dockerExecId: string;
}

/**
 * The stdio of a daemon's Docker tasks, each under a key of the caller's choice. The process is started on first need and reused
 * while it runs. Disposing lets go of it; the streams go on.
 */
export interface Bridge extends AsyncDisposable {
  /**
   * Opens the client's ends and attaches the container: it may start then, and nothing is lost. A key that is attached already stays
   * as it is, so that a daemon may ask for all its tasks when it comes back. Without stdio nothing happens.
   * @throws deadline_exceeded when nobody comes to read a FIFO; unknown, in containerd's words, for paths that cannot be opened;
   * not_found; unavailable without an engine. Nothing stays open then.
   */
  attach(key: string, request: AttachRequest, signal?: AbortSignal): Promise<void>;
  /**
   * Opens the client's ends and starts an exec over its stream: resolves when it runs. Without stdio it is started detached, and may not run yet.
   * @throws as `attach`; unknown, in the engine's words, for a program that cannot be run.
   */
  startExec(key: string, request: ExecRequest, signal?: AbortSignal): Promise<void>;
  /** The process reads the end of its input once the client has closed its end as well. Idempotent; for unknown keys nothing happens. */
  closeStdin(key: string): Promise<void>;
  /**
   * To be asked when the process has exited: resolves when its output has arrived and the client's ends are closed. Readers that have
   * gone, and those that do not read for 2 seconds, are not waited for. At once for unknown keys. Rejects only with `signal`.
   */
  finished(key: string, signal?: AbortSignal): Promise<void>;
  /** Closes what is open of it and forgets it. Idempotent. */
  release(key: string): Promise<void>;
  /** Of all streams that the bridge has, finished ones among them. */
  keys(): Promise<string[]>;
}

/** Starts nothing. */
export function openBridge(options: BridgeOptions): Bridge {
  return new BridgeClient(options);
}

class BridgeClient implements Bridge {
  readonly #host: string;
  readonly #link: BridgeLink;

  constructor(options: BridgeOptions) {
    this.#host = options.host;
    this.#link = new BridgeLink({ name: BRIDGE_NAME, ...options });
  }

  async attach(key: string, request: AttachRequest, signal?: AbortSignal): Promise<void> {
    const { containerId: dockerId, openStdin, again = false } = request;
    if (isSilent(request.stdio)) return;
    await this.#open(key, request, { kind: "container", host: this.#host, dockerId, openStdin }, again, signal);
  }

  async startExec(key: string, request: ExecRequest, signal?: AbortSignal): Promise<void> {
    const { dockerExecId: dockerId } = request;
    if (isSilent(request.stdio)) return await startDetached(this.#host, dockerId, signal);
    await this.#open(key, request, { kind: "exec", host: this.#host, dockerId }, false, signal);
  }

  async closeStdin(key: string): Promise<void> {
    await this.#link.askIfRunning({ verb: "closeStdin", key });
  }

  async finished(key: string, signal?: AbortSignal): Promise<void> {
    await this.#link.askIfRunning({ verb: "finished", key }, signal);
  }

  async release(key: string): Promise<void> {
    this.#link.forget(key);
    await this.#link.askIfRunning({ verb: "release", key });
  }

  async keys(): Promise<string[]> {
    return (await this.#link.askIfRunning({ verb: "keys" })) ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#link[Symbol.asyncDispose]();
  }

  async #open(
    key: string,
    { namespace, id: container, stdio }: StreamRequest,
    target: DockerTarget,
    again: boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const asked = { verb: "open", key, namespace, container, stdio: plainStdio(stdio), again, target } as const;
    // The engine starts an exec with its stream, and does not give it away once more.
    await this.#link.open(asked, { isReopenable: target.kind === "container" }, signal);
  }
}
