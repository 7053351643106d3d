// Streams by their keys, those that are just being opened among them: each is opened once, however often it is asked for.
import { DisposeScope } from "../../api/core/dispose.js";

/** What is kept: it ends by itself, and is closed when it is disposed. */
export type Entered = { readonly hasEnded: boolean } & (Disposable | AsyncDisposable);

interface Entry<T> {
  readonly opening: Promise<T>;
  readonly stop: AbortController;
  stream: T | undefined;
}

/** Disposing closes all. */
export class StreamEntries<T extends Entered> implements AsyncDisposable {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #onGone: () => void;

  /** @param onGone called when one is gone, or could not be opened. */
  constructor(onGone: () => void) {
    this.#onGone = onGone;
  }

  /** How many have something to carry still. */
  get active(): number {
    return [...this.#entries.values()].filter(({ stream }) => stream?.hasEnded !== true).length;
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  /**
   * Resolves when it is open: with the stream where this call has made it, with undefined where it was there already and is taken as it
   * is. @throws what `make` throws; its signal is aborted when the stream is released.
   */
  async open(key: string, signal: AbortSignal, make: (signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    for (let known = this.#entries.get(key); known !== undefined; known = this.#entries.get(key)) {
      signal.throwIfAborted();
      const isOpen = await known.opening.then(
        () => true,
        () => false,
      );
      if (isOpen) return undefined;
    }
    const stop = new AbortController();
    const opening = make(AbortSignal.any([signal, stop.signal]));
    const entry: Entry<T> = { opening, stop, stream: undefined };
    this.#entries.set(key, entry);
    try {
      entry.stream = await opening;
      return entry.stream;
    } catch (error) {
      this.#forget(key, entry);
      throw error;
    }
  }

  /** When it is open; undefined for a key that is unknown, or could not be opened. */
  async get(key: string): Promise<T | undefined> {
    return await this.#entries.get(key)?.opening.catch(() => undefined);
  }

  async release(key: string): Promise<void> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.stop.abort();
    {
      await using scope = new DisposeScope();
      const stream = await entry.opening.catch(() => undefined);
      if (stream !== undefined) scope.use(stream);
    }
    this.#forget(key, entry);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.keys().map((key) => this.release(key)));
  }

  #forget(key: string, entry: Entry<T>): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
    this.#onGone();
  }
}
