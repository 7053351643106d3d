// One sync for many commits. Transactions commit without syncing and `mark()` it; one asynchronous fdatasync then serves all
// that were marked before it began, and those that come while it runs share the next one. Nothing here knows SQLite.
import { fdatasync } from "node:fs";
import { errorOf } from "../api/core/errors.js";

/** Asks the disk to keep what was written to a descriptor; `fs.fdatasync`, or what a test puts in its place. */
export type Fdatasync = (fd: number, done: (error: Error | null) => void) => void;

export interface SharedSyncOptions {
  /** An open descriptor of the file to sync. Stays the caller's. */
  readonly fd: number;
  readonly fdatasync?: Fdatasync | undefined;
  /** Told once about the sync that failed. What was committed since the last good one may be lost. */
  readonly onFatal: (error: Error) => void;
}

interface Waiter {
  readonly upTo: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class SharedSync {
  readonly #fd: number;
  readonly #fdatasync: Fdatasync;
  readonly #onFatal: (error: Error) => void;
  #marked = 0;
  #synced = 0;
  #busy = false;
  #failure: Error | undefined;
  #waiters: Waiter[] = [];

  constructor(options: SharedSyncOptions) {
    this.#fd = options.fd;
    this.#fdatasync = options.fdatasync ?? fdatasync;
    this.#onFatal = options.onFatal;
  }

  /** The failure that ended this store's life, if any. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Says that there is something new to sync; the sync starts once the work that is ready now has run. */
  mark(): void {
    this.#marked += 1;
    if (this.#failure === undefined && !this.#busy) this.#schedule();
  }

  /** Resolves when all that is marked by now is on disk: at once if it is already. @throws after a failed sync, for ever. */
  flushed(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#synced === this.#marked) return Promise.resolve();
    return new Promise((resolve, reject) => this.#waiters.push({ upTo: this.#marked, resolve, reject }));
  }

  /** After the poll phase, so that requests which arrived together share the sync. */
  #schedule(): void {
    this.#busy = true;
    setImmediate(() => this.#run());
  }

  #run(): void {
    const upTo = this.#marked;
    this.#fdatasync(this.#fd, (error) => {
      this.#busy = false;
      if (error !== null) {
        this.#fail(error);
        return;
      }
      this.#synced = upTo;
      if (this.#marked > upTo) this.#schedule();
      const waiting = this.#waiters;
      this.#waiters = [];
      for (const waiter of waiting) {
        if (waiter.upTo <= upTo) waiter.resolve();
        else this.#waiters.push(waiter);
      }
    });
  }

  /** A sync that failed may have dropped the pages it failed on: a second try could succeed and lie. So there is none. */
  #fail(cause: Error): void {
    const failure = errorOf("internal", `cannot sync the metadata store to disk: ${cause.message}`, cause);
    this.#failure = failure;
    const waiting = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiting) waiter.reject(failure);
    this.#onFatal(failure);
  }
}
