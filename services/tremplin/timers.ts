// Time as the service sees it: heartbeats, periods and pauses go through here, so that a test can hold them.
import { setTimeout as delay } from "node:timers/promises";

export interface Timers {
  /** Monotonic, in milliseconds since any moment. */
  now(): number;
  /** Calls `work` after each period, not at once, until disposed. `work` must not throw. */
  every(periodMs: number, work: () => void): Disposable;
  /** @throws what the signal was aborted with, as AbortError. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemTimers: Timers = {
  now: () => performance.now(),
  every: (periodMs, work) => {
    const timer = setInterval(work, periodMs);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  },
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal });
  },
};
