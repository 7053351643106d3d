// Times as an engine writes them: RFC 3339, with Go's zero time for none.

const RFC3339_NANO = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;
const NANOS_PER_MS = 1_000_000n;
const NANO_DIGITS = 9;

/** Nanoseconds since 1970; undefined for the zero time and for what is no time. */
export function parseEngineTime(text: string): bigint | undefined {
  const [, whole, fraction = "", zone] = RFC3339_NANO.exec(text) ?? [];
  const wholeMs = Date.parse(`${whole}${zone}`);
  // Nothing ran before computers counted so.
  if (Number.isNaN(wholeMs) || wholeMs <= 0) return undefined;
  return BigInt(wholeMs) * NANOS_PER_MS + BigInt(fraction.padEnd(NANO_DIGITS, "0"));
}
