// Failures: a call of this service does not fail as a call, its answer says why.
import { ContainerdError, ERROR_CLASSES, errorKind, failedPrecondition } from "../../api/core/errors.js";

/** Why something failed, for people: without the words that a class of errors or the client of LXD puts around it. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message.replace(/^lxd: /, "");
  // Of what was given up nothing else says why.
  const isGivenUp = ["cancelled", "deadline_exceeded"].includes(errorKind(error));
  const end = error instanceof ContainerdError && !isGivenUp ? `: ${ERROR_CLASSES[error.kind]}` : "";
  return end !== "" && text.endsWith(end) ? text.slice(0, -end.length) : text;
}

/** What is asked for before StartLxd has succeeded. */
export const lxdNotRunning = (): ContainerdError => failedPrecondition("LXD is not running");

/** A handler whose errors become an answer: `failed` makes it of the reason. */
export function answering<Subject, Request, Response>(
  run: (subject: Subject, request: Request) => Promise<Response>,
  failed: (failureReason: string) => Response,
): (subject: Subject, request: Request) => Promise<Response> {
  return async (subject, request) => {
    try {
      return await run(subject, request);
    } catch (error) {
      return failed(reasonOf(error));
    }
  };
}

/** For `catch`: says what could not be done, before why. */
export function failedTo(what: string): (error: unknown) => never {
  return (error) => {
    throw new ContainerdError(errorKind(error), `failed to ${what}: ${reasonOf(error)}`, { cause: error });
  };
}
