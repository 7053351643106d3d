// The gRPC side of the error boundary: which status code a kind of failure travels under, and which message.
// @source containerd/errdefs pkg/errgrpc/grpc.go
import { status as Code, Metadata } from "@grpc/grpc-js";
import { ContainerdError, type ErrorKind, type ErrorTrailers, errorKind } from "../../api/core/errors.js";

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
  /** Sent behind the message. */
  readonly metadata?: Metadata;
}

/** The status a caller sees for anything that was thrown. */
export function toStatus(error: unknown): GrpcStatus {
  const details = printable(error instanceof Error ? error.message : String(error));
  const trailers = error instanceof ContainerdError ? error.trailers : undefined;
  return { code: CODES[errorKind(error)], details, ...(trailers && { metadata: toMetadata(trailers) }) };
}

function toMetadata(trailers: ErrorTrailers): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) {
    metadata.set(key, typeof value === "string" ? value : Buffer.from(value));
  }
  return metadata;
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
