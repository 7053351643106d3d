// Who writes under which ref right now. In memory: a writer ends with its process, and its ingest can then be taken up again.
// @source containerd plugins/content/local/locks.go
import { formatDuration } from "../api/core/duration.js";
import { unavailable } from "../api/core/errors.js";
import { type Clock, formatTime } from "../api/core/time.js";

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
