// What goes on after a call has been answered.
import { setMaxListeners } from "node:events";
import { errorKind } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";

/** Disposing it aborts all of it and waits for its end. */
export class BackgroundWork implements AsyncDisposable {
  readonly #log: Logger;
  readonly #ending = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(log: Logger) {
    this.#log = log;
    // All that goes on listens to it.
    setMaxListeners(0, this.#ending.signal);
  }

  /** Aborted when the service ends. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Begins at once, unless the service is ending. What `work` throws is logged: it is to tell the listener by itself. */
  run(name: string, work: (signal: AbortSignal) => Promise<void>): void {
    const { signal } = this.#ending;
    if (signal.aborted) return;
    const running = this.#guard(name, work, signal);
    this.#running.add(running);
    void running.then(() => this.#running.delete(running));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort();
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  async #guard(name: string, work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    try {
      await work(signal);
    } catch (err) {
      if (signal.aborted && errorKind(err) === "cancelled") return;
      this.#log.error({ work: name, err }, "background work failed");
    }
  }
}
