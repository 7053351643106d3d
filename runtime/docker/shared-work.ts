// Work that several want at once and that is done once: it goes on for as long as somebody waits for it.
import { errorKind, errorOf } from "../../api/core/errors.js";

interface Flight<T, News> {
  readonly result: Promise<T>;
  readonly listeners: Set<(news: News) => void>;
  readonly abort: AbortController;
  waiting: number;
}

export interface Participant<News> {
  /** Ends this one's waiting; the work ends with the last. */
  readonly signal?: AbortSignal | undefined;
  readonly onNews?: ((news: News) => void) | undefined;
}

/** By a key, under which only one is at work at a time. */
export class SharedWork<T, News> {
  readonly #flights = new Map<string, Flight<T, News>>();

  /**
   * Joins the work under this key, or begins it.
   * @throws what the work throws, cancelled or deadline_exceeded when the participant's signal came first.
   */
  async run(
    key: string,
    work: (signal: AbortSignal, tell: (news: News) => void) => Promise<T>,
    { signal, onNews }: Participant<News> = {},
  ): Promise<T> {
    if (signal?.aborted === true) throw aborted(key, signal);
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    flight.waiting += 1;
    // Of its own, also when two participants listen alike.
    const listener = (news: News): void => onNews?.(news);
    flight.listeners.add(listener);
    let onAbort = (): void => {};
    const gaveUp = new Promise<never>((_, reject) => {
      onAbort = () => reject(aborted(key, signal));
      signal?.addEventListener("abort", onAbort, { once: true });
    });
    try {
      return await Promise.race([flight.result, gaveUp]);
    } finally {
      signal?.removeEventListener("abort", onAbort);
      flight.listeners.delete(listener);
      flight.waiting -= 1;
      if (flight.waiting === 0) this.#end(key, flight);
    }
  }

  #begin(key: string, work: (signal: AbortSignal, tell: (news: News) => void) => Promise<T>): Flight<T, News> {
    const abort = new AbortController();
    const listeners = new Set<(news: News) => void>();
    const tell = (news: News): void => {
      for (const listener of listeners) listener(news);
    };
    const flight: Flight<T, News> = { result: work(abort.signal, tell), listeners, abort, waiting: 0 };
    flight.result.catch(() => undefined);
    this.#flights.set(key, flight);
    return flight;
  }

  /** Who comes now begins anew: this one is over, or is being given up. */
  #end(key: string, flight: Flight<T, News>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    flight.abort.abort();
  }
}

function aborted(key: string, signal: AbortSignal | undefined): Error {
  const kind = errorKind(signal?.reason) === "deadline_exceeded" ? "deadline_exceeded" : "cancelled";
  return errorOf(kind, key, signal?.reason);
}
