// Exit statuses: what a script learns from a failure without reading its text.
import { ContainerdError, type ErrorKind, errorKind } from "../../api/core/errors.js";

export const USAGE_STATUS = 2;
/** Of run, tasks start, exec and attach when berth itself failed: they pass on the status of a process otherwise. */
export const SESSION_FAILURE_STATUS = 125;
/** Of a program that a closed pipe ended. */
export const SIGPIPE_STATUS = 141;

/** A class of failures by its status. */
export interface ExitClass {
  readonly status: number;
  readonly means: string;
  /** Kinds of errors that end so. */
  readonly kinds?: readonly ErrorKind[];
}

/** All of them: from here `--help`, the manual and the reference have them. */
export const EXIT_CLASSES: readonly ExitClass[] = [
  { status: 0, means: "done" },
  { status: 1, means: "any failure without a class of its own" },
  {
    status: USAGE_STATUS,
    means: "bad usage, or an argument that the daemon refused",
    kinds: ["invalid_argument", "out_of_range"],
  },
  { status: 3, means: "not found", kinds: ["not_found"] },
  { status: 4, means: "exists already", kinds: ["already_exists"] },
  {
    status: 5,
    means: "the state does not allow it (still running, not empty, …)",
    kinds: ["failed_precondition", "conflict", "aborted", "not_modified"],
  },
  { status: 6, means: "the daemon cannot be reached", kinds: ["unavailable"] },
  { status: 7, means: "the daemon does not offer it", kinds: ["not_implemented"] },
  { status: 8, means: "not allowed", kinds: ["permission_denied", "unauthenticated"] },
  { status: 124, means: "--timeout passed", kinds: ["deadline_exceeded"] },
  {
    status: SESSION_FAILURE_STATUS,
    means: "run, tasks start, exec or attach failed themselves: they pass on the status of the process otherwise",
  },
  { status: 130, means: "interrupted; 128 and its number after another signal", kinds: ["cancelled"] },
];

const STATUSES = new Map(
  EXIT_CLASSES.flatMap(({ status, kinds = [] }) => kinds.map((kind) => [kind, status] as const)),
);

/** For `--help`. */
export const exitStatusHelp = (): string =>
  ["Exit status:", ...EXIT_CLASSES.map(({ status, means }) => `  ${String(status).padEnd(5)}${means}`)].join("\n");

/** A mistake in how berth was called. */
export class UsageError extends ContainerdError {
  /** What to do instead, where more can be said than to read the help. */
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super("invalid_argument", message);
    this.hint = hint;
  }
}

/** The exit status for anything thrown. */
export function exitStatus(error: unknown): number {
  return STATUSES.get(errorKind(error)) ?? 1;
}

/** A failure that has been told already; only its status is left, and what its cause lets one advise. */
export class Reported extends Error {
  override readonly name = "Reported";
  readonly status: number;

  constructor(status: number, cause?: unknown) {
    super(`exit status ${status}`, { cause });
    this.status = status;
  }
}

/** A signal came before the process could run. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals, cause: unknown) {
    super(`interrupted by ${signal}`, { cause });
    this.signal = signal;
  }
}
