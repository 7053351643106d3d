// Looking at a signal between two steps of a work that it can end.
import { abortError } from "../errors.js";

/** @throws cancelled, or deadline_exceeded for a signal of a timeout. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal);
}
