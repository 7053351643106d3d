// Values of flags: text from the command line into what it means, or a usage error that says what was wrong.
import { readFile } from "node:fs/promises";
import { InvalidArgumentError } from "commander";
import { parseDuration as parseGoDuration } from "../../api/core/duration.js";
import { UsageError } from "./exit-status.js";

/** For flags that may be given again and again. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), value];
}

export function parseInteger(text: string): number {
  const number = Number(text);
  if (!/^-?\d+$/.test(text) || !Number.isSafeInteger(number)) throw new InvalidArgumentError("It is not an integer.");
  return number;
}

export function parsePositive(text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number < 0) {
    throw new InvalidArgumentError("It is not a number from 0.");
  }
  return number;
}

/** A count from 0, for limits. */
export function parseLimit(text: string): number {
  const number = parseInteger(text);
  if (number < 0) throw new InvalidArgumentError("It is less than 0.");
  return number;
}

const SIZE_UNITS: Readonly<Record<string, number>> = { "": 1, b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Bytes: `67108864`, `64m`, `64MiB`. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text);
  const unit = SIZE_UNITS[match?.[2]?.toLowerCase() ?? ""];
  if (match === null || unit === undefined) throw new InvalidArgumentError("It is not a size such as 67108864 or 64m.");
  return Math.round(Number(match[1]) * unit);
}

/** Milliseconds: `30s`, `1h30m`, `500ms`, `0`. */
export function parseDuration(text: string): number {
  const durationNs = parseGoDuration(text);
  if (durationNs === undefined || durationNs < 0) {
    throw new InvalidArgumentError("It is not a duration such as 30s or 1h30m.");
  }
  return durationNs / 1e6;
}

/** `key=value` pairs; a key alone means `true`. A repeated key holds what came last. */
export function parseLabels(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      return at < 0 ? [pair, "true"] : [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** `key=value` pairs, all of them complete. @throws UsageError naming the flag. */
export function parsePairs(what: string, pairs: readonly string[]): Record<string, string> {
  for (const pair of pairs) {
    if (pair.indexOf("=") < 1) throw new UsageError(`${what} "${pair}" is not key=value`);
  }
  return parseLabels(pairs);
}

/** The lines of an environment file, comments and empty ones left out. @throws UsageError when it cannot be read. */
export async function readEnvFile(path: string): Promise<string[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`environment file "${path}" cannot be read: ${error.code ?? error.message}`);
  });
  return text
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== "" && !line.startsWith("#"));
}

/** A `--` in front of the program, which the arguments before it make needless, is no part of it. */
export function withoutDashes(args: readonly string[]): string[] {
  return args.slice(args[0] === "--" ? 1 : 0);
}
