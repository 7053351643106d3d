// Where the answers of the script may differ on purpose, all in one place, each with its reason.
import type { Answer } from "./script.js";

type Normal = (answer: Answer) => Answer;

/** A step in which the daemons may differ: what to compare instead of the whole answer. Undefined: they must be equal. */
export function daemonDifference(_key: string): Normal | undefined {
  return undefined;
}

/** What `ctr` and `berth` must have in common at a step. */
export function sameAnswer(
  _key: string,
  ctr: Answer,
  berth: Answer,
): { readonly ctr: unknown; readonly berth: unknown } {
  return { ctr, berth };
}
