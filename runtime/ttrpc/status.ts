// Errors on the ttrpc wire: a google.rpc.Status with code and message, made from and turned into the kinds of api/core.
// @source containerd/errdefs pkg/errgrpc/grpc.go
import { ContainerdError, ERROR_CLASSES, type ErrorKind, errorKind } from "../../api/core/errors.js";
import { Status } from "../../api/gen/google/rpc/status.js";

const CODES: Readonly<Record<ErrorKind, number>> = {
  cancelled: 1,
  unknown: 2,
  invalid_argument: 3,
  deadline_exceeded: 4,
  not_found: 5,
  already_exists: 6,
  permission_denied: 7,
  resource_exhausted: 8,
  failed_precondition: 9,
  conflict: 9,
  not_modified: 9,
  aborted: 10,
  out_of_range: 11,
  not_implemented: 12,
  internal: 13,
  unavailable: 14,
  data_loss: 15,
  unauthenticated: 16,
};

/** Kinds that share the code of another one; the end of the message tells them apart. */
const BY_TEXT: readonly ErrorKind[] = ["conflict", "not_modified"];

const KINDS: ReadonlyMap<number, ErrorKind> = new Map(
  (Object.keys(CODES) as ErrorKind[]).filter((kind) => !BY_TEXT.includes(kind)).map((kind) => [CODES[kind], kind]),
);

function endsWithClass(message: string, kind: ErrorKind): boolean {
  return message === ERROR_CLASSES[kind] || message.endsWith(`: ${ERROR_CLASSES[kind]}`);
}

/** The status of anything thrown; what has no kind is UNKNOWN. */
export function toStatus(error: unknown): Status {
  const kind = errorKind(error);
  const message = error instanceof Error ? error.message : String(error);
  return Status.fromPartial({ code: CODES[kind], message });
}

/**
 * The error of a status that is not OK. Its message ends with the class text, once, as containerd's does: the runc shim's
 * plain `cannot start a running process` becomes `cannot start a running process: unknown`.
 */
export function fromStatus(status: Pick<Status, "code" | "message">): ContainerdError {
  const { code, message } = status;
  const byText = BY_TEXT.find((kind) => CODES[kind] === code && endsWithClass(message, kind));
  const kind = byText ?? KINDS.get(code) ?? "unknown";
  if (endsWithClass(message, kind)) return new ContainerdError(kind, message);
  const text = message === "" ? ERROR_CLASSES[kind] : `${message}: ${ERROR_CLASSES[kind]}`;
  return new ContainerdError(kind, text);
}
