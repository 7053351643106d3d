// The failures of the service. Its clients know them as what docker prints, so messages end without the class text that
// containerd's clients look for.
import { ContainerdError, ERROR_CLASSES, type ErrorKind, errorKind } from "../../api/core/errors.js";

/** An error whose message is exactly this. */
export function serviceError(kind: ErrorKind, message: string, cause?: unknown): ContainerdError {
  return new ContainerdError(kind, message, cause === undefined ? undefined : { cause });
}

/** The kinds that the service tells of failed commands; all others are `unknown`. */
const TOLD: ReadonlySet<ErrorKind> = new Set([
  "not_found",
  "already_exists",
  "permission_denied",
  "cancelled",
  "deadline_exceeded",
]);

/** A failure of the engine or of the daemon, as a caller of the service sees it. What the service itself refused stays as it is. */
export function commandError(error: unknown): ContainerdError {
  const kind = errorKind(error);
  return serviceError(TOLD.has(kind) ? kind : "unknown", bareMessage(error), error);
}

/** A message without the class text of its kind. */
export function bareMessage(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const suffix = `: ${ERROR_CLASSES[errorKind(error)]}`;
  return (message.endsWith(suffix) ? message.slice(0, -suffix.length) : message).trim();
}
