// Times as Go's Time prints itself, which is what containerd's own client shows.
import { formatTime } from "../../../api/core/time.js";

/** `2026-11-22 00:37:02.9416338 +0000 UTC`. */
export function goTime(timeNs: bigint | undefined): string {
  const [date = "", clock = ""] = formatTime(timeNs).replace("Z", "").split("T");
  return `${date} ${clock} +0000 UTC`;
}

/** RFC 3339 to the second. */
export function shortTime(timeNs: bigint | undefined): string {
  return `${formatTime(timeNs).slice(0, 19)}Z`;
}
