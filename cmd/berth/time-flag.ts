// Points in time on the command line, for --since and --until: a time, a date, or how long ago.
import { InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../../api/core/duration.js";

const NS_PER_SECOND = 1_000_000_000n;
const NS_PER_MS = 1_000_000n;
/** RFC 3339 with parts left out from the right: date, minutes, seconds, their fraction, the zone. */
const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s?([Zz]|[+-]\d\d:?\d\d)?)?$/;
/** Days are no unit of Go's, and what people think in. */
const DAYS = /^(\d+)d(.*)$/;
const DAY_NS = 86_400 * 1e9;

/** What the flags of a command parse into. */
export interface TimeRangeFlags {
  /** Nanoseconds since 1970. */
  since?: bigint;
  /** Nanoseconds since 1970. */
  until?: bigint;
}

/** `--since` and `--until`, over what the command prints. @param what for example "lines" */
export function timeRangeOptions(what: string): Option[] {
  const parse = (text: string): bigint => parseTime(text);
  return [
    new Option(
      "--since <time>",
      `only ${what} from then on: 2026-11-22T17:00:00Z, 2026-11-22, or 10m for ten minutes ago`,
    ),
    new Option("--until <time>", `only ${what} before then`),
  ].map((option) => option.argParser(parse));
}

/**
 * `2026-11-22T17:00:00.5Z`; `2026-11-22 17:00` and `2026-11-22` in the zone of this machine; `1h30m` and `2d` ago; `1795366800.25`
 * seconds since 1970. In nanoseconds since 1970.
 * @throws InvalidArgumentError.
 */
export function parseTime(text: string, nowMs: number = Date.now()): bigint {
  const unix = /^(\d{9,11})(?:\.(\d{1,9}))?$/.exec(text);
  if (unix !== null) return BigInt(unix[1] ?? 0) * NS_PER_SECOND + fractionNs(unix[2]);
  const agoNs = parseAgo(text);
  if (agoNs !== undefined) return BigInt(nowMs) * NS_PER_MS - BigInt(Math.round(agoNs));
  const match = TIME.exec(text);
  if (match === null) throw notATime();
  const [, year = "", month = "", day = "", hour = "00", minute = "00", second = "00", fraction, zone = ""] = match;
  const offset = /^[+-]\d{4}$/.test(zone) ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone.toUpperCase();
  const ms = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
  // A day that no month has becomes one of the next, silently.
  if (Number.isNaN(ms) || new Date(Date.UTC(+year, +month - 1, +day)).getUTCDate() !== +day) throw notATime();
  return BigInt(ms) * NS_PER_MS + fractionNs(fraction);
}

/** Nanoseconds; undefined for what is no duration from 0 on. */
function parseAgo(text: string): number | undefined {
  const days = DAYS.exec(text);
  const rest = days === null ? text : days[2];
  const restNs = rest === "" ? 0 : parseDuration(rest ?? "");
  if (text === "" || restNs === undefined || restNs < 0 || /^[+-]/.test(rest ?? "")) return undefined;
  return Number(days?.[1] ?? 0) * DAY_NS + restNs;
}

const fractionNs = (digits = ""): bigint => BigInt(digits.padEnd(9, "0"));

const notATime = (): InvalidArgumentError =>
  new InvalidArgumentError(
    "It is neither a time such as 2026-11-22T17:00:00Z or 2026-11-22, nor a duration such as 10m.",
  );
