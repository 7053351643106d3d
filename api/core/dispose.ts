// Lifetimes: a scope that collects what was acquired and lets it go in reverse order (Node 20 has no AsyncDisposableStack).

type Cleanup = () => unknown;

/** Collects cleanups. Dispose it on failure, or {@link DisposeScope.release} it to whoever owns the result. */
export class DisposeScope implements AsyncDisposable {
  #cleanups: Cleanup[] = [];

  /** Runs `cleanup` (awaited) when the scope ends; the last one added runs first. */
  defer(cleanup: Cleanup): void {
    this.#cleanups.push(cleanup);
  }

  /** Takes over a disposable and hands it back. */
  use<T extends AsyncDisposable | Disposable>(resource: T): T {
    this.defer(() => (Symbol.asyncDispose in resource ? resource[Symbol.asyncDispose]() : resource[Symbol.dispose]()));
    return resource;
  }

  /** Moves everything into a new scope; this one is then empty. */
  release(): DisposeScope {
    const next = new DisposeScope();
    next.#cleanups = this.#cleanups;
    this.#cleanups = [];
    return next;
  }

  /** Runs every cleanup, also when one fails. Safe to call twice. @throws the first failure, after all have run. */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (let cleanup = this.#cleanups.pop(); cleanup !== undefined; cleanup = this.#cleanups.pop()) {
      try {
        await cleanup();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
