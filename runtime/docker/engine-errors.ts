// From what a call to a Docker engine fails with to one of our kinds. The engine's own words stay in the message.
import { ContainerdError, type ErrorKind, errorKind, errorOf, unknownError } from "../../api/core/errors.js";

const KINDS_BY_STATUS: ReadonlyMap<number, ErrorKind> = new Map([
  [304, "not_modified"],
  [400, "invalid_argument"],
  [401, "permission_denied"],
  [403, "permission_denied"],
  [404, "not_found"],
  [409, "failed_precondition"],
  [501, "not_implemented"],
  [503, "unavailable"],
]);
/** Nobody is there, nobody is there any more, or nobody may come in. */
const KINDS_BY_CODE: ReadonlyMap<string, ErrorKind> = new Map([
  ["ENOENT", "unavailable"],
  ["ECONNREFUSED", "unavailable"],
  ["ECONNRESET", "unavailable"],
  ["EPIPE", "unavailable"],
  ["ENOTFOUND", "unavailable"],
  ["EAI_AGAIN", "unavailable"],
  ["EHOSTUNREACH", "unavailable"],
  ["ENETUNREACH", "unavailable"],
  ["ETIMEDOUT", "unavailable"],
  ["EACCES", "permission_denied"],
  ["EPERM", "permission_denied"],
]);

export interface FailedCall {
  readonly host: string;
  /** What was to be done: "start container x". */
  readonly what: string;
  /** The kind of a 409: what it conflicts with depends on the call. */
  readonly conflict: ErrorKind;
}

/** Anything that a call threw, as an error of ours; one of ours stays as it is. */
export function engineError(error: unknown, { host, what, conflict }: FailedCall): ContainerdError {
  if (error instanceof ContainerdError) return error;
  const { status, code, text } = partsOf(error);
  if (status !== undefined) {
    const kind = status === 409 ? conflict : (KINDS_BY_STATUS.get(status) ?? "unknown");
    const message = `docker: ${what}: ${text}`;
    return kind === "unknown" ? unknownError(message, error) : errorOf(kind, message, error);
  }
  const at = `docker engine at ${host}: ${what}`;
  const kind = KINDS_BY_CODE.get(code ?? "") ?? errorKind(error);
  // Whoever gave up knows why; what it was waiting for is worth saying.
  if (kind === "cancelled" || kind === "deadline_exceeded") return errorOf(kind, at, error);
  return kind === "unknown" ? unknownError(`${at}: ${text}`, error) : errorOf(kind, `${at}: ${text}`, error);
}

interface Parts {
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly text: string;
}

function partsOf(error: unknown): Parts {
  if (!(error instanceof Error)) return { status: undefined, code: undefined, text: String(error) };
  const status = "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const json: unknown = "json" in error ? error.json : undefined;
  return { status, code, text: engineText(json) ?? error.message.trim() };
}

/** The body of a refusal is `{"message": …}`. */
function engineText(json: unknown): string | undefined {
  if (typeof json !== "object" || json === null || !("message" in json)) return undefined;
  return typeof json.message === "string" && json.message !== "" ? json.message.trim() : undefined;
}
