// Who writes under which ref right now. In memory: a writer ends with its process, and its ingest can then be taken up again.
// @source containerd plugins/content/local/locks.go
import { unavailable } from "../api/core/errors.js";
import { type Clock, formatTime } from "../api/core/time.js";

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

export class RefLocks {
  readonly #clock: Clock;
  readonly #since = new Map<string, bigint>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param shown how a refusal names it.
   * @returns what lets it go, to be called once or more. @throws unavailable while somebody else has it.
   */
  take(ref: string, shown: string): () => void {
    const since = this.#since.get(ref);
    const nowNs = this.#clock();
    if (since !== undefined) {
      const [day, time] = formatTime(since).replace("Z", "").split("T");
      throw unavailable(`ref ${shown} locked for ${formatDuration(nowNs - since)} (since ${day} ${time} +0000 UTC)`);
    }
    this.#since.set(ref, nowNs);
    let isHeld = true;
    return () => {
      if (isHeld) this.#since.delete(ref);
      isHeld = false;
    };
  }
}
