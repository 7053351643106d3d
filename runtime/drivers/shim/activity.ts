// What is being asked of shims at this moment, so that what can wait is done while nobody waits for anything.
import { setTimeout as delay } from "node:timers/promises";

/** How often is looked whether it is quiet. */
const LOOK_MS = 5;
/** What a client takes from the end of a task to its next call, the removal of the container; it is answered first. */
const FAREWELL_MS = 8;
const LONG_AGO = Number.NEGATIVE_INFINITY;

export class Activity {
  #running = 0;
  #endedAtMs = LONG_AGO;
  #restedAtMs = LONG_AGO;

  /** Something is under way until the result is disposed. */
  begin(): Disposable {
    this.#running += 1;
    let isOver = false;
    return {
      [Symbol.dispose]: () => {
        if (isOver) return;
        isOver = true;
        this.#running -= 1;
        this.#endedAtMs = performance.now();
      },
    };
  }

  /** A task has come to its end: nobody is about to ask for more of it, once its container is put away. */
  rest(): void {
    this.#endedAtMs = LONG_AGO;
    this.#restedAtMs = performance.now();
  }

  /**
   * Resolves when nothing was under way for `quietMs`, or for a moment since a task has ended; after `limitMs` at the latest, and when `signal`
   * aborts.
   */
  async quiet(quietMs: number, limitMs: number, signal: AbortSignal): Promise<void> {
    const deadlineMs = performance.now() + limitMs;
    while (!signal.aborted) {
      const nowMs = performance.now();
      const quietAtMs = Math.max(this.#endedAtMs + quietMs, this.#restedAtMs + Math.min(FAREWELL_MS, quietMs));
      const isQuiet = this.#running === 0 && nowMs >= quietAtMs;
      if (isQuiet || nowMs >= deadlineMs) return;
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  }
}
