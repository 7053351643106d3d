// One after another per key: what belongs to one task queues here, and nobody else waits.
import { ContainerdError, ERROR_CLASSES, errorKind } from "../api/core/errors.js";

/** Runs functions one at a time per key, in the order of the calls. */
export class KeyedMutex {
  readonly #tails = new Map<string, Promise<void>>();

  /** Whether somebody is at work under this key. */
  isHeld(key: string): boolean {
    return this.#tails.has(key);
  }

  /**
   * Runs `work` when every earlier call with this key has ended, whether well or badly.
   * @param signal ends the waiting, not the work: once that has begun it goes on.
   * @throws cancelled or deadline_exceeded when the signal came first; what `work` throws.
   */
  async run<T>(key: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted === true) throw abortError(signal);
    const before = this.#tails.get(key) ?? Promise.resolve();
    let onAbort = (): void => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(abortError(signal));
      signal?.addEventListener("abort", onAbort, { once: true });
    });
    const begin = async (): Promise<T> => {
      signal?.removeEventListener("abort", onAbort);
      if (signal?.aborted === true) throw abortError(signal);
      return await work();
    };
    const result = before.then(begin);
    const tail = result.then(
      () => {},
      () => {},
    );
    this.#tails.set(key, tail);
    // Nobody queued behind: the key is forgotten, so that the map does not grow with every task there ever was.
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return await Promise.race([result, aborted]);
  }
}

function abortError(signal: AbortSignal | undefined): ContainerdError {
  const cause: unknown = signal?.reason;
  const kind = errorKind(cause) === "deadline_exceeded" ? "deadline_exceeded" : "cancelled";
  return new ContainerdError(kind, ERROR_CLASSES[kind], { cause });
}
