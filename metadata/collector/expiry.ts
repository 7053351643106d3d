// Times as labels of the collector have them.
// @source Go time.Parse(RFC3339); containerd core/metadata/gc.go
const RFC3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9})\d*)?(Z|[+-]\d{2}:\d{2})$/;

/** Nanoseconds since 1970; undefined for what is no RFC 3339 time. */
export function parseTime(text: string): bigint | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [, whole = "", fraction = "", zone = ""] = match;
  const ms = Date.parse(`${whole}${zone}`);
  if (Number.isNaN(ms) || !isOfCalendar(whole)) return undefined;
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
}

/** Date takes the 30th of February for the 1st or 2nd of March. */
const isOfCalendar = (whole: string): boolean => new Date(`${whole}Z`).toISOString().startsWith(whole);

/** Whether the value of `containerd.io/gc.expire` has passed. What is no time never passes. */
export function hasExpired(value: string | undefined, nowNs: bigint): boolean {
  const timeNs = value === undefined ? undefined : parseTime(value);
  return timeNs !== undefined && timeNs < nowNs;
}
