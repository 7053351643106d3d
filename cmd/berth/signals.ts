// Signals: by name or number on the command line, and those that reach berth while it stands in for a process.
import { constants } from "node:os";
import { UsageError } from "./exit-status.js";

const SIGRTMIN = 34;
const SIGRTMAX = 64;
const NUMBERS = new Map<string, number>(Object.entries(constants.signals));

/** `SIGTERM`, `term`, `15`, `RTMIN+3`. @throws UsageError. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number <= SIGRTMAX) return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, "");
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realTime !== null) {
    const offset = Number(`${realTime[2] ?? "+"}${realTime[3] ?? "0"}`);
    const number = (realTime[1] === "MIN" ? SIGRTMIN : SIGRTMAX) + offset;
    if (number >= SIGRTMIN && number <= SIGRTMAX) return number;
  }
  const number = NUMBERS.get(`SIG${name}`);
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
