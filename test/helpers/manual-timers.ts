// Time that stands still until a test moves it.
import { setImmediate as turn } from "node:timers/promises";
import { errorOf } from "../../api/core/errors.js";
import type { Timers } from "../../services/tremplin/timers.js";

interface Alarm {
  atMs: number;
  readonly ring: () => void;
  /** After which it rings again. */
  readonly periodMs: number | undefined;
}

/** Begins at 0. */
export class ManualTimers implements Timers {
  #nowMs = 0;
  readonly #alarms = new Set<Alarm>();

  now(): number {
    return this.#nowMs;
  }

  every(periodMs: number, work: () => void): Disposable {
    const alarm = { atMs: this.#nowMs + periodMs, ring: work, periodMs };
    this.#alarms.add(alarm);
    return { [Symbol.dispose]: () => void this.#alarms.delete(alarm) };
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#alarms.delete(alarm);
        reject(errorOf("cancelled", "sleep", signal?.reason));
      };
      const ring = (): void => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      const alarm = { atMs: this.#nowMs + ms, ring, periodMs: undefined };
      if (signal?.aborted === true) return onAbort();
      this.#alarms.add(alarm);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** How many wait for their time. */
  get waiting(): number {
    return this.#alarms.size;
  }

  /** Everything that is due by then happens, in order of time; what it sets off gets a turn before the next. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await turn();
      const [next] = [...this.#alarms].filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#nowMs = next.atMs;
      if (next.periodMs === undefined) this.#alarms.delete(next);
      else next.atMs += next.periodMs;
      next.ring();
    }
    this.#nowMs = untilMs;
  }
}
