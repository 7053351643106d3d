// Numbers of signals: which there are, which end a program that has not begun, and the exit status of who dies of one.
import { invalidSignal } from "./words.js";

export const SIGKILL = 9;

const MAX_SIGNAL = 64;
const SIGNAL_BASE = 128;
/** SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGTERM. */
const ENDING: ReadonlySet<number> = new Set([1, 2, 3, SIGKILL, 15]);

/** @throws unknown, as the shim does. */
export function requireSignal(signalNumber: number): void {
  if (!Number.isInteger(signalNumber) || signalNumber < 0 || signalNumber > MAX_SIGNAL) {
    throw invalidSignal(signalNumber);
  }
}

/** Whether it ends a task whose program has not begun to handle it. */
export const endsUnstarted = (signalNumber: number): boolean => ENDING.has(signalNumber);

/** The exit status of a process that died of it. */
export const statusOfSignal = (signalNumber: number): number => SIGNAL_BASE + signalNumber;
