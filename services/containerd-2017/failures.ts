// What this API says when something fails: the words of its time, and the codes that they should have had. Then all of it
// but what was missing or there already came as UNKNOWN.
import { ContainerdError, type ErrorKind, errorKind } from "../../api/core/errors.js";

export const NO_CONTAINER = "container ID not found";
const NO_TASK = "container does not exist";

/** Passes a failure of one of these kinds on in other words. */
export async function worded<T>(work: Promise<T>, words: { readonly [K in ErrorKind]?: string }): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const kind = errorKind(error);
    const text = words[kind];
    throw text === undefined ? error : new ContainerdError(kind, text, { cause: error });
  }
}

/** Of calls about a task: whatever is missing, it is the task. */
export const ofTask = <T>(work: Promise<T>): Promise<T> => worded(work, { not_found: NO_TASK });

/** With a message that stands as it is. */
export const refuse = (kind: ErrorKind, message: string): never => {
  throw new ContainerdError(kind, message);
};
