// The logs of tasks: which containers have one, what a line of it is, and what can be asked of it. The interface of the local keeper
// and of the remote client.
import type { RequestContext } from "./context.js";

/** Label of a container: {@link LOG_KEEP} or {@link LOG_NONE}. Without it the daemon's configuration decides. */
export const LOG_LABEL = "berth.io/log";
/** What tasks of the container write is kept. */
export const LOG_KEEP = "keep";
/** It is not. */
export const LOG_NONE = "none";
/** Label of a container: bytes of a segment of its log, beyond which the next one begins. */
export const LOG_MAX_SIZE_LABEL = "berth.io/log.max-size";
/** Label of a container: how many segments are kept; an older one is removed. */
export const LOG_MAX_SEGMENTS_LABEL = "berth.io/log.max-segments";

/** Where a line was written. */
export type LogStreamName = "stdout" | "stderr";

/** One line of a task's output. */
export interface LogEntry {
  /** Counted from 1 for each container, over all its tasks, without holes. */
  readonly number: bigint;
  /** When the log process had read its last byte; nanoseconds since 1970. */
  readonly timeNs: bigint;
  /** `stdout` for all that comes from a terminal. */
  readonly stream: LogStreamName;
  /** Which task of the container wrote it, counted from 1. */
  readonly attempt: number;
  /** Without its line feed. Not necessarily UTF-8. */
  readonly text: Uint8Array;
  /** Whether it goes on in the next line of the same stream: it was longer than a line may be, or the task ended within it. */
  readonly isPartial: boolean;
}

/** As many lines as were ready at once. */
export interface LogBatch {
  readonly lines: readonly LogEntry[];
  /** The lowest number that could still be read where lines before these had been removed; undefined when nothing is missing. */
  readonly lostBefore: bigint | undefined;
}

/** Which lines of a log. All optional. */
export interface ReadLogOptions {
  /** Only lines behind this number. Default: all that are kept. */
  readonly after?: bigint | undefined;
  /** Only lines from that time on; nanoseconds since 1970. Default: all. */
  readonly sinceNs?: bigint | undefined;
  /** Only lines before that time, where reading ends also with `follow`. Default: all. */
  readonly untilNs?: bigint | undefined;
  /** Only that many of the last lines that are there at the call. Default: all. */
  readonly tail?: bigint | undefined;
  /** Also the lines that come, those of later tasks among them, until the container is deleted. Default: false. */
  readonly follow?: boolean | undefined;
  /** Default: both. */
  readonly streams?: readonly LogStreamName[] | undefined;
}

/** What tasks have written. */
export interface TaskLogs {
  /**
   * The lines kept of a container's tasks, oldest first.
   * @throws not_found without the container; failed_precondition for one that keeps no log; not_implemented where the daemon keeps none.
   */
  read(ctx: RequestContext, containerId: string, options?: ReadLogOptions): AsyncIterable<LogBatch>;
}

/** What the daemon's own rooms want of logs. */
export interface LastLines {
  /**
   * The last lines that one task of a container wrote, oldest first, both streams together; `attempt` undefined is the newest task. If
   * that has just ended, its output is waited for, 250 ms at most. Nothing is kept, or no such container: none.
   */
  lastLines(namespace: string, id: string, attempt: number | undefined, count: number): Promise<Uint8Array[]>;
}
