// How much a call's filters may cost. They are read on the thread that serves everybody: a megabyte of selectors takes a second and
// a half, a thousand patterns with large repeats six.
import { invalidArgument } from "../errors.js";

/** Of all filters of a call together. */
const MAX_FILTER_BYTES = 64 * 1024;
/** What all patterns of a call may cost: some 100 ms to compile. */
const MAX_PATTERN_COST = 64 * 1024;
/** RE2 refuses what repeats more often, nested repeats multiplied. */
const MAX_REPEATS = 1_000;
/** A class of Unicode has hundreds of ranges. */
const UNICODE_CLASS_COST = 100;
/** Without regard to case, a range is gone through one character after another, which takes up to 5 ms. */
const FOLDED_RANGE_COST = 2_000;

const REPEAT = /\{(\d+)(?:,(\d*))?\}/g;
const UNICODE_CLASS = /\\[pP]/g;
const IGNORES_CASE = /\(\?[a-zA-Z]*i/;
const RANGE = /-/g;

const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;

/** @throws invalid_argument. */
export function checkFilterSize(filters: readonly string[]): void {
  const bytes = filters.reduce((sum, filter) => sum + Buffer.byteLength(filter), 0);
  if (bytes > MAX_FILTER_BYTES)
    throw invalidArgument(`filters of ${bytes} bytes: at most ${MAX_FILTER_BYTES} are read`);
}

/** @throws invalid_argument. */
export function checkPatternCost(patterns: readonly string[]): void {
  const cost = patterns.reduce((sum, pattern) => sum + patternCost(pattern), 0);
  if (cost > MAX_PATTERN_COST) throw invalidArgument("filters: their regular expressions repeat too much");
}

/** An upper bound of its compiled size, roughly: its length, as often as its repeats multiply it. */
function patternCost(pattern: string): number {
  let repeats = 1;
  for (const [, least, most] of pattern.matchAll(REPEAT)) repeats *= Math.max(1, Number(least), Number(most ?? 0));
  const folded = IGNORES_CASE.test(pattern) ? count(pattern, RANGE) * FOLDED_RANGE_COST : 0;
  const once = Buffer.byteLength(pattern) + count(pattern, UNICODE_CLASS) * UNICODE_CLASS_COST;
  return once * Math.min(repeats, MAX_REPEATS) + folded;
}
