// From what a call to LXD fails with to one of our kinds. LXD's own words stay in the message.
import { ContainerdError, type ErrorKind, errorKind, errorOf, unknownError } from "../../api/core/errors.js";

const KINDS_BY_STATUS: ReadonlyMap<number, ErrorKind> = new Map([
  [400, "invalid_argument"],
  [401, "permission_denied"],
  [403, "permission_denied"],
  [404, "not_found"],
  [409, "already_exists"],
  // The thing has changed since it was read.
  [412, "failed_precondition"],
  [501, "not_implemented"],
  [503, "unavailable"],
  [507, "resource_exhausted"],
]);
/** Nobody is there, nobody is there any more, or nobody may come in. */
const KINDS_BY_CODE: ReadonlyMap<string, ErrorKind> = new Map([
  ["ENOENT", "unavailable"],
  ["ECONNREFUSED", "unavailable"],
  ["ECONNRESET", "unavailable"],
  ["EPIPE", "unavailable"],
  ["UND_ERR_SOCKET", "unavailable"],
  ["UND_ERR_CONNECT_TIMEOUT", "unavailable"],
  ["UND_ERR_DESTROYED", "cancelled"],
  ["EACCES", "permission_denied"],
  ["EPERM", "permission_denied"],
]);

/** What LXD itself refuses. */
export class LxdRefusal extends Error {
  override readonly name = "LxdRefusal";
  /** An HTTP status. */
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }
}

/**
 * Anything that a call threw, as an error of ours; one of ours stays as it is. `what` was to be done: "start instance x"; `refusal` is
 * what a 400 means, with which LXD answers to bad words and to a bad moment alike.
 */
export function lxdError(error: unknown, what: string, refusal: ErrorKind = "invalid_argument"): ContainerdError {
  if (error instanceof ContainerdError) return error;
  const text = error instanceof Error ? error.message : String(error);
  const message = `lxd: ${what}: ${text}`;
  if (error instanceof LxdRefusal) {
    const kind = error.status === 400 ? refusal : KINDS_BY_STATUS.get(error.status);
    return kind === undefined ? unknownError(message, error) : errorOf(kind, message, error);
  }
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  const kind = KINDS_BY_CODE.get(code) ?? errorKind(error);
  // Whoever gave up knows why; what it was waiting for is worth saying.
  if (kind === "cancelled" || kind === "deadline_exceeded") return errorOf(kind, `lxd: ${what}`, error);
  return kind === "unknown" ? unknownError(message, error) : errorOf(kind, message, error);
}
