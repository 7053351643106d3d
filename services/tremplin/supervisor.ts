// Keeps a program running: what has died is launched again at once, until it fails too often.
import { reasonOf } from "./failure.js";
import type { Timers } from "./timers.js";

/** So many failures in so short a time, and it is left alone. */
const FAILURES = 10;
const WITHIN_MS = 30_000;

/** A program that runs. */
export interface Supervised {
  /** Resolves with the reason when it has ended; never rejects. */
  readonly ended: Promise<string>;
}

export interface SupervisorOptions {
  /** Rejects when there is nothing that runs. */
  readonly launch: () => Promise<Supervised>;
  readonly timers: Pick<Timers, "now">;
  /** Told of each failure before the next launch. */
  readonly onFailure: (reason: string) => void;
}

/** Resolves when it gives up, with the last reason, or with undefined when the signal has said that the end is wanted. */
export async function supervise(options: SupervisorOptions, signal: AbortSignal): Promise<string | undefined> {
  const failures: number[] = [];
  while (!signal.aborted) {
    const reason = await options.launch().then(({ ended }) => ended, reasonOf);
    if (signal.aborted) break;
    options.onFailure(reason);
    const now = options.timers.now();
    failures.push(now);
    while ((failures[0] ?? now) < now - WITHIN_MS) failures.shift();
    if (failures.length >= FAILURES) return reason;
  }
  return undefined;
}
