// Watches the event loop of this process: how long it stood still at most, and how long of its own doing, which leaves out the time
// in which its thread could have run but other threads and processes had the processors.
import { closeSync, openSync, readSync } from "node:fs";

const TICK_MS = 1;
const NS_PER_MS = 1e6;

export class LongestStall {
  // Nanoseconds on a processor, nanoseconds of waiting for one, turns; of the main thread.
  readonly #fd = openSync(`/proc/self/task/${process.pid}/schedstat`, "r");
  readonly #buffer = Buffer.alloc(128);
  readonly #timer: NodeJS.Timeout;
  #at = performance.now();
  #waitedMs = this.#readWaitedMs();
  /** The longest stall, in milliseconds. */
  wallMs = 0;
  /** The longest one of its own doing: computing, waiting for the disk or for a lock. */
  ownMs = 0;

  constructor() {
    this.#timer = setInterval(() => this.#look(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    closeSync(this.#fd);
  }

  #look(): void {
    const now = performance.now();
    const waitedMs = this.#readWaitedMs();
    const stallMs = Math.max(0, now - this.#at - TICK_MS);
    this.wallMs = Math.max(this.wallMs, stallMs);
    this.ownMs = Math.max(this.ownMs, stallMs - (waitedMs - this.#waitedMs));
    this.#at = now;
    this.#waitedMs = waitedMs;
  }

  #readWaitedMs(): number {
    const length = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, 0);
    return Number(this.#buffer.toString("latin1", 0, length).split(" ")[1]) / NS_PER_MS;
  }
}
