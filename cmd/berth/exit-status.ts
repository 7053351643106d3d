// Exit statuses: what a script learns from a failure without reading its text.
import { ContainerdError, type ErrorKind, errorKind } from "../../api/core/errors.js";

export const USAGE_STATUS = 2;
/** Of run, tasks start, exec and attach when berth itself failed: they pass on the status of a process otherwise. */
export const SESSION_FAILURE_STATUS = 125;
/** Of a program that a closed pipe ended. */
export const SIGPIPE_STATUS = 141;

const STATUSES: Partial<Record<ErrorKind, number>> = {
  invalid_argument: USAGE_STATUS,
  out_of_range: USAGE_STATUS,
  not_found: 3,
  already_exists: 4,
  failed_precondition: 5,
  conflict: 5,
  aborted: 5,
  not_modified: 5,
  unavailable: 6,
  not_implemented: 7,
  permission_denied: 8,
  unauthenticated: 8,
  deadline_exceeded: 124,
  cancelled: 130,
};

/** For `--help`. */
export const EXIT_STATUS_HELP = `Exit status:
  0    done
  1    any failure without a class of its own
  2    bad usage, or an argument that the daemon refused
  3    not found
  4    exists already
  5    the state does not allow it (still running, not empty, …)
  6    the daemon cannot be reached
  7    the daemon does not offer it
  8    not allowed
  124  --timeout passed
run, tasks start, tasks exec and tasks attach exit with the status of the process, and with 125 when they fail themselves.`;

/** A mistake in how berth was called. */
export class UsageError extends ContainerdError {
  constructor(message: string) {
    super("invalid_argument", message);
  }
}

/** The exit status for anything thrown. */
export function exitStatus(error: unknown): number {
  return STATUSES[errorKind(error)] ?? 1;
}

/** A failure that has been told already; only its status is left. */
export class Reported extends Error {
  override readonly name = "Reported";
  readonly status: number;

  constructor(status: number) {
    super(`exit status ${status}`);
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
