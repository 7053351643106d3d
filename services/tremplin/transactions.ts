// Exports and imports that go on: one at a time for a container's name, whichever it is, and somebody may ask it to stop.
// @source chromiumos platform/tremplin (its map of transactions)

/** Disposing it, at its end, frees the name. */
export interface Transaction extends Disposable {
  /** Aborted once somebody asked it to stop. */
  readonly signal: AbortSignal;
}

export class Transactions {
  readonly #byName = new Map<string, AbortController>();

  /** Undefined while one goes on under this name. */
  begin(name: string): Transaction | undefined {
    if (this.#byName.has(name)) return undefined;
    const controller = new AbortController();
    this.#byName.set(name, controller);
    return {
      signal: controller.signal,
      [Symbol.dispose]: () => {
        if (this.#byName.get(name) === controller) this.#byName.delete(name);
      },
    };
  }

  /** Asks the one under this name to stop, which it does when it next looks. @returns false when there is none. */
  cancel(name: string): boolean {
    const controller = this.#byName.get(name);
    controller?.abort();
    return controller !== undefined;
  }
}
