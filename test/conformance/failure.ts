// Errors as one line, so that a test compares kind and message at once.
import { errorKind } from "../../api/core/errors.js";

/** `<kind>: <message>` of what the promise rejects with, or "no error". */
export async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return `${errorKind(error)}: ${error instanceof Error ? error.message : String(error)}`;
  }
  return "no error";
}
