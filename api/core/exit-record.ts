// How processes of tasks ended and why, kept for a while after everything else of them is gone. One vocabulary for the local store and
// the remote client.
import type { RequestContext } from "./context.js";

/** Who asked for the end of a process. */
export interface ExitRequest {
  /** Nanoseconds since 1970. */
  readonly timeNs: bigint;
  readonly signal: number;
  /** Of the caller, as the kernel told; `pid` is 0 when it came from inside the daemon's process. */
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** The caller's program, or what in the daemon asked; "" when that could not be read any more. */
  readonly by: string;
}

/** The end of a task or of an exec. */
export interface ExitRecord {
  readonly containerId: string;
  /** "" for the task itself. */
  readonly execId: string;
  /** Which task of that container name it was, counted from 1. */
  readonly attempt: number;
  /** 0 when nobody has seen it. */
  readonly pid: number;
  /** Nanoseconds since 1970; undefined when nobody has seen it start. */
  readonly startedAtNs: bigint | undefined;
  readonly exitedAtNs: bigint | undefined;
  /** As the runtime told it, 128 and the number after a signal; undefined when nobody could tell. */
  readonly exitStatus: number | undefined;
  /** The signal that ended it, as far as that can be known. */
  readonly signal: number | undefined;
  /** Whether the kernel killed a process of it for want of memory, as far as that can be known. */
  readonly isOutOfMemory: boolean;
  /** The last one that has to do with its end; undefined when nobody asked. */
  readonly requested: ExitRequest | undefined;
  /** What the runtime said about it; may be empty. */
  readonly message: string;
  /** The last lines it wrote, without their line feeds, when its output was kept. */
  readonly lastLines: readonly Uint8Array[];
  /** Of the container's record when the task was made. */
  readonly image: string;
  readonly runtime: string;
}

/** Which exits. All optional. */
export interface ListExitsOptions {
  /** Only of this container. */
  readonly containerId?: string | undefined;
  /** Only those from this time on, nanoseconds since 1970. */
  readonly sinceNs?: bigint | undefined;
  /** At most that many. */
  readonly limit?: number | undefined;
  /** Execs as well as tasks. Default: false. */
  readonly execs?: boolean | undefined;
  /** Only the newest of each container. Default: false. */
  readonly latest?: boolean | undefined;
}

/** The ends of tasks that are remembered. */
export interface Exits {
  /** The exits of a namespace that are kept, newest first. @throws from the iteration: invalid_argument for what is no id. */
  list(ctx: RequestContext, options?: ListExitsOptions): AsyncIterable<ExitRecord>;
}

/** What its driver knows about the end of a process beside status and time. All optional: unknown. */
export interface ExitDetails {
  /** False when nobody could tell how it ended: its status means nothing then. Default: true. */
  readonly isStatusKnown?: boolean | undefined;
  readonly signal?: number | undefined;
  readonly isOutOfMemory?: boolean | undefined;
  /** For people. */
  readonly message?: string | undefined;
}
