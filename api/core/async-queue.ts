// A queue between one who puts and one who takes, each at its own pace; whoever puts can wait until what it put is taken.

/** Iterate it once. Ended, it still hands out what is in it. */
export class AsyncQueue<T> implements AsyncIterable<T> {
  readonly #items: { readonly item: T; readonly taken: () => void }[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #failure: unknown;

  get isEnded(): boolean {
    return this.#ended;
  }

  /** Resolves when the item has been taken, or nobody will take it any more. */
  put(item: T): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((taken) => {
      this.#items.push({ item, taken });
      this.#wake?.();
    });
  }

  /** No more items. With a failure, whoever takes gets it behind the last item. */
  end(failure?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    try {
      for (;;) {
        const next = this.#items.shift();
        if (next !== undefined) {
          next.taken();
          yield next.item;
        } else if (this.#ended) {
          if (this.#failure !== undefined) throw this.#failure;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          this.#wake = undefined;
        }
      }
    } finally {
      this.#ended = true;
      for (const { taken } of this.#items.splice(0)) taken();
    }
  }
}
