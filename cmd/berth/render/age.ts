// How long ago, and how much, as containerd's own client says it of content.
// @source docker/go-units (HumanDuration, HumanSize)

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_H = 24;

/** `5 minutes`, `About an hour`, `3 weeks`. */
export function renderAge(ageMs: number): string {
  const seconds = Math.floor(ageMs / 1000);
  const minutes = Math.floor(seconds / MINUTE_S);
  const hours = Math.floor(seconds / HOUR_S + 0.5);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < MINUTE_S) return `${seconds} seconds`;
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  if (hours === 1) return "About an hour";
  if (hours < 2 * DAY_H) return `${hours} hours`;
  if (hours < 14 * DAY_H) return `${Math.floor(hours / DAY_H)} days`;
  if (hours < 60 * DAY_H) return `${Math.floor(hours / DAY_H / 7)} weeks`;
  if (hours < 730 * DAY_H) return `${Math.floor(hours / DAY_H / 30)} months`;
  return `${Math.floor(seconds / HOUR_S / DAY_H / 365)} years`;
}

/** How long ago a time was. */
export const renderSince = (timeNs: bigint): string => renderAge(Date.now() - Number(timeNs / 1_000_000n));

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `3.2MB`: four digits, powers of 1000. */
export function renderDecimalSize(sizeBytes: number): string {
  let [size, unit] = [sizeBytes, 0];
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${Number(size.toPrecision(4))}${UNITS[unit] ?? ""}`;
}
