// What is being asked of shims at this moment, so that what can wait is done while nobody waits for anything.
import { setTimeout as delay } from "node:timers/promises";

export class Activity {
  #running = 0;
  #endedAtMs = 0;

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

  /** Resolves when nothing was under way for `quietMs`, after `limitMs` at the latest, and when `signal` aborts. */
  async quiet(quietMs: number, limitMs: number, signal: AbortSignal): Promise<void> {
    const deadlineMs = performance.now() + limitMs;
    while (!signal.aborted) {
      const nowMs = performance.now();
      const restMs = this.#running > 0 ? quietMs : this.#endedAtMs + quietMs - nowMs;
      if (restMs <= 0 || nowMs >= deadlineMs) return;
      await delay(Math.min(restMs, deadlineMs - nowMs), undefined, { signal }).catch(() => undefined);
    }
  }
}
