// Commands that take their time: a signal ends the work in order, with everything put away, and then the program.
import type { RequestContext } from "../../api/core/context.js";
import { Interrupted } from "./exit-status.js";
import { catchSignals, signalNumber } from "./signals.js";

/**
 * Runs `work` with a request that a signal ends; a second signal does not wait for it.
 * @throws Interrupted when the signal ended it.
 */
export async function interruptible<T>(
  request: RequestContext,
  work: (request: RequestContext) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  let caught: NodeJS.Signals | undefined;
  using _ = catchSignals((signal) => {
    if (caught !== undefined) process.exit(128 + signalNumber(signal));
    caught = signal;
    ending.abort();
  });
  const signals = request.signal === undefined ? [ending.signal] : [request.signal, ending.signal];
  try {
    return await work({ ...request, signal: AbortSignal.any(signals) });
  } catch (error) {
    throw caught === undefined ? error : new Interrupted(caught, error);
  }
}
