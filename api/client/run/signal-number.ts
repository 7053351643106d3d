// Signals by name and by number.
import { constants } from "node:os";
import { invalidArgument } from "../../core/errors.js";

const SIGRTMIN = 34;
const SIGRTMAX = 64;
const NUMBERS = new Map<string, number>(Object.entries(constants.signals));

/** `SIGTERM`, `term`, `15`, `RTMIN+3`; undefined for what is no signal. */
export function parseSignal(text: string): number | undefined {
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
  return NUMBERS.get(`SIG${name}`);
}

/** The number of a signal. @throws invalid_argument for what is no signal. */
export function signalNumber(signal: string | number): number {
  const number = parseSignal(String(signal));
  if (number === undefined) throw invalidArgument(`unknown signal ${JSON.stringify(signal)}`);
  return number;
}
