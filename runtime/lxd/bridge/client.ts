// The daemon's end of the bridge for LXD: the process of its own that holds the consoles and execs of all LXD tasks of one daemon. LXD
// kills an exec whose connection goes away, and forgets its exit code seconds after its end: neither may hang on the daemon's life.
import { errorOf } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { Stdio } from "../../../api/core/task.js";
import type { Asked } from "../../bridge/bridge-connection.js";
import { BridgeLink } from "../../bridge/bridge-link.js";
import { isSilent, plainStdio } from "../../bridge/plain-stdio.js";
import { decodeExit } from "../../bridge/protocol.js";
import type { LxdTarget } from "./target.js";

/** How messages call it. */
const BRIDGE_NAME = "lxd bridge";

export interface LxdBridgeOptions {
  /** Where the bridge listens: a path in a folder that is there. It may be longer than what fits into the address of a socket. */
  readonly socketPath: string;
  /** Path of LXD's unix socket. */
  readonly lxdSocket: string;
  /** Absolute path of `bin/berth-lxd-bridge`. */
  readonly program: string;
  readonly log: Logger;
  /**
   * The bridge ended with these streams under way. Consoles are attached again by themselves; execs have ended with it, and are unknown
   * from then on. Default: nobody is told.
   */
  readonly onLost?: (keys: readonly string[]) => void;
}

/** What both sorts of streams need. */
interface StreamRequest {
  /** Of the task, for log programs. */
  readonly namespace: string;
  readonly id: string;
  /** LXD's name of it. */
  readonly instance: string;
  readonly stdio: Stdio;
}

export interface ConsoleRequest extends StreamRequest {
  /** Carried before, by a bridge that is gone perhaps: readers of FIFOs are not waited for. Default: false. */
  readonly again?: boolean;
}

/** In characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export interface LxdExecRequest extends StreamRequest {
  readonly command: readonly [string, ...string[]];
  /** LXD adds PATH, HOME, USER and LANG where they are missing. */
  readonly env: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly gid: number;
  /** "" for the user's home. */
  readonly cwd: string;
  /** Of its terminal, if it has one. Default: 80 × 24. */
  readonly size?: TerminalSize;
}

/** How an exec ended. */
export interface LxdExecExit {
  /** 128 and the signal's number after a signal; 255 when nobody knows, as LXD went away with it: the process may go on then. */
  readonly exitStatus: number;
  /** Nanoseconds since 1970. */
  readonly exitedAtNs: bigint;
  /** LXD's words about a command that was not run, whose status is 126 or 127. */
  readonly refusal?: string;
}

/**
 * The streams of a daemon's LXD tasks, each under a key of the caller's choice. The process is started on first need and reused while
 * it runs. Disposing lets go of it; the streams go on.
 */
export interface LxdBridge extends AsyncDisposable {
  /**
   * Opens the client's ends, and carries the console from the instance's boot on: it need not run yet, and may be started then. A key
   * that is there already stays as it is, so that a daemon may ask for all its tasks when it comes back. Without stdio nothing happens.
   * @throws deadline_exceeded when nobody comes to read a FIFO; unknown, in containerd's words, for paths that cannot be opened;
   * not_found; unavailable without LXD. Nothing stays open then.
   */
  console(key: string, request: ConsoleRequest, signal?: AbortSignal): Promise<void>;
  /**
   * Opens the client's ends and starts a program, also without stdio: resolves when LXD is starting it. One that cannot be run ends with
   * 126 or 127. @throws as `console`; failed_precondition for an instance that does not run.
   */
  exec(key: string, request: LxdExecRequest, signal?: AbortSignal): Promise<void>;
  /** Sends an exec's process a signal by its number. @throws not_found for keys that are unknown, or whose process has ended. */
  kill(key: string, signal: number): Promise<void>;
  /** A console that is not connected gets it when it is. @throws not_found for keys that are unknown or have ended. */
  resize(key: string, columns: number, rows: number): Promise<void>;
  /** The process reads the end of its input once the client has closed its end as well. Idempotent; for unknown keys nothing happens. */
  closeStdin(key: string): Promise<void>;
  /**
   * Waits for the end of an exec. It is remembered until {@link LxdBridge.release}; its output may still be on its way.
   * @throws not_found for keys that are unknown, those of consoles, and when its bridge was lost; cancelled with `signal`.
   */
  exit(key: string, signal?: AbortSignal): Promise<LxdExecExit>;
  /**
   * To be asked when the process has exited: resolves when its output has arrived and the client's ends are closed. Readers that have
   * gone, and those that do not read for 2 seconds, are not waited for. At once for unknown keys. Rejects only with `signal`.
   */
  finished(key: string, signal?: AbortSignal): Promise<void>;
  /** Closes what is open of it and forgets it: LXD kills an exec by that. Idempotent. */
  release(key: string): Promise<void>;
  /** Of all streams that the bridge has, finished ones among them. */
  keys(): Promise<string[]>;
}

/** Starts nothing. */
export function openLxdBridge(options: LxdBridgeOptions): LxdBridge {
  return new BridgeClient(options);
}

class BridgeClient implements LxdBridge {
  readonly #lxdSocket: string;
  readonly #link: BridgeLink;

  constructor(options: LxdBridgeOptions) {
    this.#lxdSocket = options.lxdSocket;
    this.#link = new BridgeLink({ name: BRIDGE_NAME, ...options });
  }

  async console(key: string, request: ConsoleRequest, signal?: AbortSignal): Promise<void> {
    const { instance, stdio, again = false } = request;
    if (isSilent(stdio)) return;
    await this.#open(key, request, again, { kind: "console", lxdSocket: this.#lxdSocket, instance }, signal);
  }

  async exec(key: string, request: LxdExecRequest, signal?: AbortSignal): Promise<void> {
    const { instance, command, env, uid, gid, cwd, size } = request;
    const [program, ...args] = command;
    const target: LxdTarget = {
      kind: "exec",
      lxdSocket: this.#lxdSocket,
      instance,
      command: [program, ...args],
      env: { ...env },
      uid,
      gid,
      cwd,
      ...(size === undefined ? {} : { size: { columns: size.columns, rows: size.rows } }),
    };
    await this.#open(key, request, false, target, signal);
  }

  async kill(key: string, signal: number): Promise<void> {
    await this.#askAbout(key, { verb: "kill", key, signal });
  }

  async resize(key: string, columns: number, rows: number): Promise<void> {
    await this.#askAbout(key, { verb: "resize", key, columns, rows });
  }

  async closeStdin(key: string): Promise<void> {
    await this.#link.askIfRunning({ verb: "closeStdin", key });
  }

  async exit(key: string, signal?: AbortSignal): Promise<LxdExecExit> {
    return decodeExit(await this.#askAbout(key, { verb: "exit", key }, signal));
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

  /** @throws not_found without a bridge that would know it. */
  async #askAbout(key: string, asked: Asked, signal?: AbortSignal): Promise<string[]> {
    const said = await this.#link.askIfRunning(asked, signal);
    if (said === undefined) throw errorOf("not_found", `stream ${key}`);
    return said;
  }

  async #open(
    key: string,
    { namespace, id: container, stdio }: StreamRequest,
    again: boolean,
    target: LxdTarget,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const asked = { verb: "open", key, namespace, container, stdio: plainStdio(stdio), again, target } as const;
    await this.#link.open(asked, { isReopenable: target.kind === "console" }, signal);
  }
}
