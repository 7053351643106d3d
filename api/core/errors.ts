// The one error module: what kinds of failure there are and how their messages end. It knows no transport; the tables that
// map kinds to status codes live at the two boundaries (services/grpc/status.ts and runtime/ttrpc).
// @source containerd/errdefs errors.go

/** Every kind of failure, with the class text that containerd's clients find at the end of a message. */
export const ERROR_CLASSES = {
  invalid_argument: "invalid argument",
  not_found: "not found",
  already_exists: "already exists",
  permission_denied: "permission denied",
  resource_exhausted: "resource exhausted",
  failed_precondition: "failed precondition",
  conflict: "conflict",
  not_modified: "not modified",
  aborted: "aborted",
  out_of_range: "out of range",
  not_implemented: "not implemented",
  internal: "internal",
  unavailable: "unavailable",
  data_loss: "data loss",
  unauthenticated: "unauthorized",
  cancelled: "context canceled",
  deadline_exceeded: "context deadline exceeded",
  unknown: "unknown",
} as const;

/** What sort of failure an error is: the code by which programs tell errors apart. Messages are for people. */
export type ErrorKind = keyof typeof ERROR_CLASSES;

/** By key, in lower case. Few and short: peers give up on headers of some KiB. */
export type ErrorTrailers = Readonly<Record<string, string | Uint8Array>>;

/** A failure of a known kind. The message is complete: subject first, class text last where containerd has one. */
export class ContainerdError extends Error {
  override readonly name = "ContainerdError";
  readonly kind: ErrorKind;
  /** What a caller on the wire is given beside code and message, as trailing metadata. A key that ends in `-bin` holds bytes. */
  declare readonly trailers?: ErrorTrailers;

  constructor(kind: ErrorKind, message: string, options?: { cause?: unknown; trailers?: ErrorTrailers }) {
    super(message, options);
    this.kind = kind;
    if (options?.trailers !== undefined) this.trailers = options.trailers;
  }
}

/** Makes an error whose message is `<subject>: <class text>`. */
export function errorOf(kind: ErrorKind, subject: string, cause?: unknown): ContainerdError {
  return new ContainerdError(kind, `${subject}: ${ERROR_CLASSES[kind]}`, cause === undefined ? undefined : { cause });
}

export const invalidArgument = (subject: string, cause?: unknown): ContainerdError =>
  errorOf("invalid_argument", subject, cause);
export const notFound = (subject: string, cause?: unknown): ContainerdError => errorOf("not_found", subject, cause);
export const alreadyExists = (subject: string, cause?: unknown): ContainerdError =>
  errorOf("already_exists", subject, cause);
export const failedPrecondition = (subject: string, cause?: unknown): ContainerdError =>
  errorOf("failed_precondition", subject, cause);
export const notImplemented = (subject: string, cause?: unknown): ContainerdError =>
  errorOf("not_implemented", subject, cause);
export const unavailable = (subject: string, cause?: unknown): ContainerdError =>
  errorOf("unavailable", subject, cause);
/** Kind `unknown` with the message as it stands: containerd answers so for errors that have no class. */
export const unknownError = (message: string, cause?: unknown): ContainerdError =>
  new ContainerdError("unknown", message, cause === undefined ? undefined : { cause });

/** The kind of anything thrown; tests the field, not the class, since two copies of this module may meet. */
export function errorKind(error: unknown): ErrorKind {
  if (error instanceof Error && "kind" in error && typeof error.kind === "string" && error.kind in ERROR_CLASSES) {
    return error.kind as ErrorKind;
  }
  if (error instanceof Error && error.name === "AbortError") return "cancelled";
  if (error instanceof Error && error.name === "TimeoutError") return "deadline_exceeded";
  return "unknown";
}

/** Whether anything thrown is of kind `not_found`. */
export const isNotFound = (error: unknown): boolean => errorKind(error) === "not_found";
/** Whether anything thrown is of kind `already_exists`. */
export const isAlreadyExists = (error: unknown): boolean => errorKind(error) === "already_exists";
/** Whether anything thrown is of kind `invalid_argument`. */
export const isInvalidArgument = (error: unknown): boolean => errorKind(error) === "invalid_argument";
/** Whether anything thrown is of kind `failed_precondition`. */
export const isFailedPrecondition = (error: unknown): boolean => errorKind(error) === "failed_precondition";
/** Whether anything thrown is of kind `unavailable`. */
export const isUnavailable = (error: unknown): boolean => errorKind(error) === "unavailable";
/** Whether anything thrown is of kind `not_implemented`. */
export const isNotImplemented = (error: unknown): boolean => errorKind(error) === "not_implemented";

/** Puts `prefix: ` before the message and keeps kind and cause, as Go's `fmt.Errorf("…: %w")` does. */
export function wrapError(prefix: string, error: unknown): ContainerdError {
  const message = error instanceof Error ? error.message : String(error);
  return new ContainerdError(errorKind(error), `${prefix}: ${message}`, { cause: error });
}
