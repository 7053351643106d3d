// What programs that serve have in common: flags of a few words, and the end by a signal or by an error that nobody caught.
import { ContainerdError } from "../../api/core/errors.js";
import type { Logger } from "../../api/core/log.js";

export const EXIT_FATAL = 1;
/** A second signal forced the end. */
const EXIT_FORCED = 130;
/** The reason of an end that nobody asked for. What a server owns goes with it even then. */
export const CRASH = "crash";

/** @throws invalid_argument for a word that is none of those */
export function oneOf<Word extends string>(flag: string, words: readonly Word[], given: string): Word {
  const word = words.find((each) => each === given);
  if (word !== undefined) return word;
  throw new ContainerdError("invalid_argument", `${flag} is one of ${words.join(", ")}, not ${JSON.stringify(given)}`);
}

/** Ends the process at once. */
export function fatal(log: Logger, err: unknown): void {
  log.error({ err }, "cannot go on");
  process.exit(EXIT_FATAL);
}

/** The end of a program that serves: the first reason counts. */
export interface End {
  readonly reason: Promise<string>;
  now(reason: string): void;
}

/** From now on these signals are reasons to end, and a second one ends the process at once; so is an error that nobody caught. */
export function endOf(log: Logger, signals: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT"]): End {
  let now = (_reason: string): void => {};
  const reason = new Promise<string>((resolve) => {
    now = resolve;
  });
  let isStopping = false;
  void reason.then(() => {
    isStopping = true;
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      log.warn({ signal }, "stopped by force");
      process.exit(EXIT_FORCED);
    }
    now(signal);
  };
  for (const signal of signals) process.on(signal, onSignal);
  // A server outlives the terminal it was started from.
  process.on("SIGHUP", () => {});
  process.on("uncaughtException", (err) => {
    if (isStopping) fatal(log, err);
    log.error({ err }, "uncaught exception");
    now(CRASH);
  });
  return { reason, now: (why) => now(why) };
}
