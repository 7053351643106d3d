// The daemon's end of the bridge for LXD: the process of its own that holds the consoles and execs of all LXD tasks of one daemon. LXD
// kills an exec whose connection goes away, and forgets its exit code seconds after its end: neither may hang on the daemon's life.
import { errorOf } from "../../../api/core/errors.js";
import type { Logger } from "../../../api/core/log.js";
import type { Stdio } from "../../../api/core/task.js";

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
export function openLxdBridge(_options: LxdBridgeOptions): LxdBridge {
  throw errorOf("not_implemented", "lxd bridge");
}
