// The gRPC side of the error boundary: which status code a kind of failure travels under, and which message.
// @source containerd/errdefs pkg/errgrpc/grpc.go
import { status as Code } from "@grpc/grpc-js";
import { type ErrorKind, errorKind } from "../../api/core/errors.js";

const CODES: Readonly<Record<ErrorKind, Code>> = {
  invalid_argument: Code.INVALID_ARGUMENT,
  not_found: Code.NOT_FOUND,
  already_exists: Code.ALREADY_EXISTS,
  permission_denied: Code.PERMISSION_DENIED,
  resource_exhausted: Code.RESOURCE_EXHAUSTED,
  failed_precondition: Code.FAILED_PRECONDITION,
  conflict: Code.FAILED_PRECONDITION,
  not_modified: Code.FAILED_PRECONDITION,
  aborted: Code.ABORTED,
  out_of_range: Code.OUT_OF_RANGE,
  not_implemented: Code.UNIMPLEMENTED,
  internal: Code.INTERNAL,
  unavailable: Code.UNAVAILABLE,
  data_loss: Code.DATA_LOSS,
  unauthenticated: Code.UNAUTHENTICATED,
  cancelled: Code.CANCELLED,
  deadline_exceeded: Code.DEADLINE_EXCEEDED,
  unknown: Code.UNKNOWN,
};

/**
 * A message travels percent-encoded in the trailers, and an HTTP/2 peer gives up on a header block of 64 KiB. Names that a client
 * sent come back in messages, so a long one is cut rather than break the connection.
 */
const MAX_MESSAGE_BYTES = 8 * 1024;

export interface GrpcStatus {
  readonly code: Code;
  readonly details: string;
}

/** The status a caller sees for anything that was thrown. */
export function toStatus(error: unknown): GrpcStatus {
  return { code: CODES[errorKind(error)], details: printable(error instanceof Error ? error.message : String(error)) };
}

/** The name of a code, for logs: `NOT_FOUND`. */
export const codeName = (code: Code): string => Code[code];

function printable(message: string): string {
  // Through UTF-8 and back: half of a surrogate pair cannot be percent-encoded.
  const bytes = Buffer.from(message);
  if (bytes.length <= MAX_MESSAGE_BYTES) return bytes.toString();
  const half = MAX_MESSAGE_BYTES / 2;
  return `${bytes.subarray(0, half).toString()} … ${bytes.subarray(-half).toString()}`;
}
