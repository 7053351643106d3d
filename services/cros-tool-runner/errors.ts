// The failures of the service. Its clients know them as what docker prints, so what the service itself says ends without the class
// text that containerd's clients look for.
import { ContainerdError, type ErrorKind, type ErrorTrailers, errorKind } from "../../api/core/errors.js";
import { refusalText } from "../../runtime/docker/engine-errors.js";

/** An error whose message is exactly this. */
export function serviceError(
  kind: ErrorKind,
  message: string,
  cause?: unknown,
  trailers?: ErrorTrailers,
): ServiceError {
  return new ServiceError(kind, message, {
    ...(cause !== undefined && { cause }),
    ...(trailers !== undefined && { trailers }),
  });
}

/** One that is told as it stands. */
export class ServiceError extends ContainerdError {}

/** What commands that failed are told as; anything else is `unknown`. */
const TOLD: ReadonlySet<ErrorKind> = new Set([
  "not_found",
  "already_exists",
  "permission_denied",
  "cancelled",
  "deadline_exceeded",
]);

/** A failure of the engine or of the daemon, as docker would print it; what the service itself refused stays as it is. */
export function commandError(error: unknown): ServiceError {
  if (error instanceof ServiceError) return error;
  const kind = errorKind(error);
  return serviceError(TOLD.has(kind) ? kind : "unknown", commandMessage(error), error);
}

/** What docker would print: the engine's own words where it refused, else ours. */
export function commandMessage(error: unknown): string {
  const refusal = refusalText(error);
  if (refusal !== undefined) return `Error response from daemon: ${refusal}`;
  return error instanceof Error ? error.message : String(error);
}
