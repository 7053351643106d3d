// What a failed call means: gRPC statuses become the kinds of api/core. The daemon's text is kept as it came.
// @source containerd/errdefs pkg/errgrpc/grpc.go

import { accessSync, constants } from "node:fs";
import { type ServiceError, status } from "@grpc/grpc-js";
import { hasCode } from "../../runtime/sys/errno.js";
import { ContainerdError, type ErrorKind, errorOf, unavailable } from "../core/errors.js";

const KINDS: Readonly<Record<number, ErrorKind>> = {
  [status.CANCELLED]: "cancelled",
  [status.UNKNOWN]: "unknown",
  [status.INVALID_ARGUMENT]: "invalid_argument",
  [status.DEADLINE_EXCEEDED]: "deadline_exceeded",
  [status.NOT_FOUND]: "not_found",
  [status.ALREADY_EXISTS]: "already_exists",
  [status.PERMISSION_DENIED]: "permission_denied",
  [status.RESOURCE_EXHAUSTED]: "resource_exhausted",
  [status.FAILED_PRECONDITION]: "failed_precondition",
  [status.ABORTED]: "aborted",
  [status.OUT_OF_RANGE]: "out_of_range",
  [status.UNIMPLEMENTED]: "not_implemented",
  [status.INTERNAL]: "internal",
  [status.UNAVAILABLE]: "unavailable",
  [status.DATA_LOSS]: "data_loss",
  [status.UNAUTHENTICATED]: "unauthenticated",
};

/** The kind behind a status: the code decides, and the end of the text tells the two that share a code apart. */
export function kindOfStatus(code: number, message: string): ErrorKind {
  const kind = KINDS[code] ?? "unknown";
  if (kind !== "failed_precondition") return kind;
  if (message.endsWith(": conflict")) return "conflict";
  if (message.endsWith(": not modified")) return "not_modified";
  return kind;
}

const NO_CONNECTION = /^No connection established\. Last error: (?:Error: )?([^;]*?)(?:\. Resolution note:.*)?$/s;

/** The error of a call on the socket at `path`; `signal` is the caller's, whose abort is a cancellation or a passed deadline. */
export function fromServiceError(error: ServiceError, path: string, signal: AbortSignal | undefined): ContainerdError {
  if (error.code === status.CANCELLED && signal?.aborted === true) return abortError(signal);
  if (error.code === status.UNAVAILABLE) {
    const reason = NO_CONNECTION.exec(error.details)?.[1];
    if (reason !== undefined) return dialError(path, reason, error);
  }
  return new ContainerdError(kindOfStatus(error.code, error.details), error.details, { cause: error });
}

/** The error of an aborted call: a `TimeoutError` as the reason makes it a passed deadline. */
export function abortError(signal: AbortSignal): ContainerdError {
  const reason: unknown = signal.reason;
  const timedOut = reason instanceof Error && reason.name === "TimeoutError";
  return timedOut
    ? new ContainerdError("deadline_exceeded", "context deadline exceeded", { cause: reason })
    : new ContainerdError("cancelled", "context canceled", { cause: reason });
}

/** There is no connection to the socket: unavailable, or permission_denied when this user may not connect to it. */
export function dialError(path: string, reason: string, cause?: unknown): ContainerdError {
  const subject = `failed to dial "${path}"`;
  if (reason.includes("EACCES")) return errorOf("permission_denied", subject, cause);
  return unavailable(`${subject}: ${explainDial(reason)}`, cause);
}

/** No connection stood in time. Which error the attempts met is not told then, so the socket is looked at. */
export function dialTimeout(path: string, timeoutMs: number, cause: unknown): ContainerdError {
  return dialError(path, mayConnect(path) ? `no answer within ${timeoutMs} ms` : "EACCES", cause);
}

function mayConnect(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch (error) {
    return !hasCode(error, "EACCES");
  }
}

function explainDial(reason: string): string {
  if (reason.includes("ENOENT")) return "the socket does not exist; is the daemon running?";
  if (reason.includes("ECONNREFUSED")) return "nobody listens on the socket; is the daemon running?";
  return reason;
}
