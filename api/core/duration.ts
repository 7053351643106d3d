// Durations as Go writes and reads them.
// @source Go time.Duration.String, time.ParseDuration
const UNITS = [
  ["h", 3_600_000_000_000n],
  ["m", 60_000_000_000n],
] as const;

/** As Go prints a duration: `1h2m3.5s`, `508.36ms`. */
export function formatDuration(durationNs: bigint): string {
  let text = "";
  let rest = durationNs;
  for (const [unit, sizeNs] of UNITS) {
    if (text !== "" || rest >= sizeNs) text += `${rest / sizeNs}${unit}`;
    rest %= sizeNs;
  }
  if (text !== "" || rest >= 1_000_000_000n) return `${text}${decimal(rest, 9)}s`;
  if (rest >= 1_000_000n) return `${decimal(rest, 6)}ms`;
  if (rest >= 1_000n) return `${decimal(rest, 3)}µs`;
  return rest === 0n ? "0s" : `${rest}ns`;
}

function decimal(value: bigint, places: number): string {
  const digits = value.toString().padStart(places + 1, "0");
  return `${digits.slice(0, -places)}.${digits.slice(-places)}`.replace(/\.?0+$/, "");
}

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const DURATION = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;

/** A duration such as `1h30m` in nanoseconds; undefined for what Go would refuse. */
export function parseDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  for (const [, number = "", unit = ""] of text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(number) * (UNIT_NS[unit] ?? 0);
  }
  return text.startsWith("-") ? -total : total;
}
