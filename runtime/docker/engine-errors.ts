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
/**
 * Podman answers 500 to what Docker calls a conflict, and tells the class of the failure in a field of its own.
 * @source podman libpod/define/errors.go (v4.3)
 */
const CONFLICTS: ReadonlySet<string> = new Set([
  "container state improper",
  "that name is already in use",
  "network already exists",
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

/** Of an engine that does not know a call, in the place of words of its own. */
const NO_SUCH_CALL = "Not Found";

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
  const { status, code, text, podmanCause, hasWords } = partsOf(error);
  if (status === 404 && !hasWords) {
    return errorOf("not_implemented", `docker engine at ${host}: ${what}: no such call`, error);
  }
  if (status !== undefined) {
    const isConflict = status === 409 || CONFLICTS.has(podmanCause ?? "");
    const kind = isConflict ? conflict : (KINDS_BY_STATUS.get(status) ?? "unknown");
    const message = `docker: ${what}: ${text}`;
    return kind === "unknown" ? unknownError(message, error) : errorOf(kind, message, error);
  }
  const at = `docker engine at ${host}: ${what}`;
  const kind = KINDS_BY_CODE.get(code ?? "") ?? errorKind(error);
  // Whoever gave up knows why; what it was waiting for is worth saying.
  if (kind === "cancelled" || kind === "deadline_exceeded") return errorOf(kind, at, error);
  return kind === "unknown" ? unknownError(`${at}: ${text}`, error) : errorOf(kind, `${at}: ${text}`, error);
}

/** The engine's own words, if what was thrown is a refusal of it or was caused by one; undefined for anything else. */
export function refusalText(error: unknown): string | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { status, text } = partsOf(each);
    if (status !== undefined) return text;
  }
  return undefined;
}

interface Parts {
  readonly status: number | undefined;
  readonly code: string | undefined;
  readonly text: string;
  readonly podmanCause: string | undefined;
  /** False for what engines answer to calls that they do not know, which is no JSON of theirs. */
  readonly hasWords: boolean;
}

function partsOf(error: unknown): Parts {
  if (!(error instanceof Error)) {
    return { status: undefined, code: undefined, text: String(error), podmanCause: undefined, hasWords: false };
  }
  const status = "statusCode" in error && typeof error.statusCode === "number" ? error.statusCode : undefined;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  const json: unknown = "json" in error ? error.json : undefined;
  const words = textOf(json, "message") ?? (json == null ? streamedText(error.message) : undefined);
  const hasWords = words !== undefined;
  return { status, code, text: words ?? error.message.trim(), podmanCause: textOf(json, "cause"), hasWords };
}

/** What the client makes of a refusal of a call whose answer is a stream: it has read the body, and keeps the words alone. */
function streamedText(message: string): string | undefined {
  const text = /^\(HTTP code \d+\) .+? - (.+)$/s.exec(message.trim())?.[1];
  return text === NO_SUCH_CALL ? undefined : text;
}

/** The body of a refusal is `{"message": …}`, Podman's with a `cause` beside it. */
function textOf(json: unknown, field: "message" | "cause"): string | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const text: unknown = Object.entries(json).find(([name]) => name === field)?.[1];
  return typeof text === "string" && text !== "" ? text.trim() : undefined;
}
