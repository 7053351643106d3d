// A call that leaves before a session begins, so that the session's pipes are made while the daemon works on it.
import type { RequestContext } from "../../api/core/context.js";

/** After an interrupt the call gets that long to be answered: only the answer tells whether something was made. */
const INTERRUPT_GRACE_MS = 2_000;

export class EarlyCall<T> {
  readonly #answer: Promise<T>;
  readonly #abort = new AbortController();
  /** It has been answered, and did what it was to do. */
  isDone = false;

  /** Sends it. A failure waits for {@link answer}. */
  constructor(request: RequestContext, call: (request: RequestContext) => Promise<T>) {
    const signals = [this.#abort.signal, ...(request.signal === undefined ? [] : [request.signal])];
    this.#answer = call({ ...request, signal: AbortSignal.any(signals) }).then((answer) => {
      this.isDone = true;
      return answer;
    });
    this.#answer.catch(() => undefined);
  }

  /** What it came to; given up a short while after `signal`. */
  async answer(signal: AbortSignal | undefined): Promise<T> {
    const giveUp = (): void => void setTimeout(() => this.#abort.abort(), INTERRUPT_GRACE_MS).unref();
    if (signal?.aborted === true) giveUp();
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      return await this.#answer;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }
}
