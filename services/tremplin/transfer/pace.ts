// Progress is told once a second at most.
import type { Timers } from "../timers.js";

const PERIOD_MS = 1_000;

/** Answers whether it is time to tell again; the first time it is. */
export function paceOf(timers: Timers): () => boolean {
  let last: number | undefined;
  return () => {
    const now = timers.now();
    if (last !== undefined && now - last < PERIOD_MS) return false;
    last = now;
    return true;
  };
}
