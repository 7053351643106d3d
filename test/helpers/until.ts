// Waiting for a condition instead of for time to pass.
import { setTimeout as delay } from "node:timers/promises";

const POLL_MS = 20;
/** No measure of how fast anything is: a busy machine with a slow disk may take long over what is quick elsewhere. */
export const PATIENCE_MS = 45_000;

/** Thrown by a probe to say that waiting is of no use any more. */
export class Hopeless extends Error {
  override readonly name = "Hopeless";
}

/**
 * Asks until the answer is neither undefined, null nor false, and hands it back. Errors thrown by `probe` count as "not yet",
 * except {@link Hopeless}.
 * @throws after `timeoutMs` ({@link PATIENCE_MS}), naming `what` and the last error.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = PATIENCE_MS,
): Promise<Exclude<T, undefined | null | false>> {
  const deadline = performance.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== null && answer !== false) {
        return answer as Exclude<T, undefined | null | false>;
      }
      last = undefined;
    } catch (error) {
      if (error instanceof Hopeless) throw error;
      last = error;
    }
    if (performance.now() > deadline) {
      throw new Error(`gave up after ${timeoutMs} ms waiting for ${what}`, { cause: last });
    }
    await delay(POLL_MS);
  }
}
