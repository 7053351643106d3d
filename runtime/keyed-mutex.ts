// One after another per key: what belongs to one task queues here, and nobody else waits.

/** Runs functions one at a time per key, in the order of the calls. */
export class KeyedMutex {
  readonly #tails = new Map<string, Promise<void>>();

  /** Whether somebody is at work under this key. */
  isHeld(key: string): boolean {
    return this.#tails.has(key);
  }

  /** Runs `work` when every earlier call with this key has ended, whether well or badly. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(work);
    const tail = result.then(
      () => {},
      () => {},
    );
    this.#tails.set(key, tail);
    try {
      return await result;
    } finally {
      // Nobody queued behind: the key is forgotten, so that the map does not grow with every task there ever was.
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
