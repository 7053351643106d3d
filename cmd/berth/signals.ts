// Signals: by name or number on the command line, and those that reach berth while it stands in for a process.
import { constants } from "node:os";
import { parseSignal as readSignal } from "../../api/client/run/signal-number.js";
import { UsageError } from "./exit-status.js";

/** `SIGTERM`, `term`, `15`, `RTMIN+3`. @throws UsageError. */
export function parseSignal(text: string): number {
  const number = readSignal(text);
  if (number === undefined) throw new UsageError(`unknown signal "${text}"`);
  return number;
}

/** The number of a signal that Node knows by name. */
export function signalNumber(signal: NodeJS.Signals): number {
  return constants.signals[signal];
}

// Job control (TSTP, CONT, TTIN, TTOU) stays between the shell and berth.
const FORWARDED: readonly NodeJS.Signals[] = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGVTALRM",
  "SIGXCPU",
  "SIGXFSZ",
  "SIGIO",
  "SIGPWR",
  "SIGSYS",
];

/** Hands every signal meant for the process to `handler` until disposed. */
export function catchSignals(handler: (signal: NodeJS.Signals) => void): Disposable {
  for (const signal of FORWARDED) process.on(signal, handler);
  return {
    [Symbol.dispose]: () => {
      for (const signal of FORWARDED) process.off(signal, handler);
    },
  };
}

/** Where signals go: before the process runs they end the attempt, afterwards they are its. */
export class SignalTarget {
  readonly #early: AbortController;
  #kill: ((signal: NodeJS.Signals) => void) | undefined;
  caught: NodeJS.Signals | undefined;

  constructor(early: AbortController) {
    this.#early = early;
  }

  deliver(signal: NodeJS.Signals): void {
    if (this.#kill !== undefined) {
      this.#kill(signal);
      return;
    }
    this.caught ??= signal;
    this.#early.abort();
  }

  forwardTo(kill: (signal: NodeJS.Signals) => void): void {
    this.#kill = kill;
  }
}
