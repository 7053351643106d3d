// The lock of one backend (content, or one snapshotter): what changes a record and the backend together holds it shared, the
// cleanup of the backend holds it alone. So a cleanup never meets something in the backend whose record is still to come.
// @source containerd core/metadata/{content,snapshot}.go

/** First come, first served: a cleanup that waits holds back those who come after it. Not reentrant. */
export class BackendLock {
  #holders = 0;
  #isExclusive = false;
  readonly #queue: { readonly isExclusive: boolean; readonly enter: () => void }[] = [];

  /** Runs `work` beside other shared work, for as long as its promise takes. */
  shared<T>(work: () => Promise<T>): Promise<T> {
    return this.#run(false, work);
  }

  /** Runs `work` while nobody else does. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    return this.#run(true, work);
  }

  async #run<T>(isExclusive: boolean, work: () => Promise<T>): Promise<T> {
    if (this.#queue.length === 0 && this.#admits(isExclusive)) this.#enter(isExclusive);
    else await new Promise<void>((enter) => this.#queue.push({ isExclusive, enter }));
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #admits(isExclusive: boolean): boolean {
    return !this.#isExclusive && !(isExclusive && this.#holders > 0);
  }

  #enter(isExclusive: boolean): void {
    this.#holders += 1;
    this.#isExclusive = isExclusive;
  }

  #leave(): void {
    this.#holders -= 1;
    this.#isExclusive = false;
    for (let next = this.#queue[0]; next !== undefined && this.#admits(next.isExclusive); next = this.#queue[0]) {
      this.#queue.shift();
      this.#enter(next.isExclusive);
      next.enter();
    }
  }
}
