// When the collector runs, as a pure machine: told of mutations, triggers and runs, it says when the next one is due.
// @source containerd plugins/gc/scheduler.go

/** Times in milliseconds. */
export interface CollectorPolicyConfig {
  /** Share of time for which runs may keep writers out; 0 to 0.5. Default: 0.02. */
  readonly pauseThreshold: number;
  /** So many deletions cause a run at once; 0: never by their number. Default: 0. */
  readonly deletionThreshold: number;
  /** So many mutations make the next tick run; 0: off. Default: 100. */
  readonly mutationThreshold: number;
  /** Between a trigger and its run. Default: 0. */
  readonly scheduleDelayMs: number;
  /** Until the first run; 0: none. Default: 100. */
  readonly startupDelayMs: number;
}

export const DEFAULT_POLICY: CollectorPolicyConfig = {
  pauseThreshold: 0.02,
  deletionThreshold: 0,
  mutationThreshold: 100,
  scheduleDelayMs: 0,
  startupDelayMs: 100,
};

const MIN_PAUSE_MS = 5;
const IDLE_INTERVAL_MS = 1_000;
const RETRY_MS = 1_000;

export class CollectorPolicy {
  readonly #config: CollectorPolicyConfig;
  #mutations = 0;
  #deletions = 0;
  #triggered = false;
  #hasRun = false;
  #isDirty = false;
  #pausesMs = 0;
  #runs = 0;
  #intervalMs = 0;
  #dueMs: number | undefined;

  constructor(config: CollectorPolicyConfig, nowMs: number) {
    this.#config = config;
    if (config.startupDelayMs > 0) this.#dueMs = nowMs + config.startupDelayMs;
  }

  /** When to call {@link tick}; undefined: not before something happens. */
  get dueMs(): number | undefined {
    return this.#dueMs;
  }

  mutated(isDirty: boolean, nowMs: number): void {
    const { deletionThreshold, mutationThreshold } = this.#config;
    this.#isDirty ||= isDirty;
    this.#mutations += 1;
    if (this.#isDirty) this.#deletions += 1;
    const byDeletions = deletionThreshold > 0 && this.#deletions >= deletionThreshold;
    const nothingDue = this.#dueMs === undefined;
    const worthATick =
      (deletionThreshold === 0 && this.#deletions > 0) ||
      (mutationThreshold > 0 && this.#mutations >= mutationThreshold);
    if (byDeletions || (nothingDue && worthATick)) this.#schedule(nowMs);
  }

  /** Somebody waits for a run. */
  trigger(nowMs: number): void {
    this.#triggered = true;
    this.#schedule(nowMs);
  }

  /** At the due time: whether to run now. When not, the next tick is due after the same interval. */
  tick(): boolean {
    const { mutationThreshold } = this.#config;
    const enough = mutationThreshold > 0 && this.#mutations >= mutationThreshold;
    if (this.#hasRun && !this.#triggered && this.#deletions === 0 && !enough) {
      // A quiet daemon is not woken for nothing: the next mutation that matters schedules a run.
      this.#dueMs = undefined;
      return false;
    }
    this.#dueMs = undefined;
    this.#triggered = false;
    this.#mutations = 0;
    this.#deletions = 0;
    this.#isDirty = false;
    return true;
  }

  ran(pauseMs: number, nowMs: number): void {
    const { pauseThreshold } = this.#config;
    this.#hasRun = true;
    this.#runs += 1;
    this.#pausesMs += pauseMs;
    const averageMs = Math.max(this.#pausesMs / this.#runs, MIN_PAUSE_MS);
    this.#intervalMs = pauseThreshold > 0 ? averageMs / pauseThreshold - averageMs : IDLE_INTERVAL_MS;
    if (this.#dueMs === undefined) this.#dueMs = nowMs + this.#intervalMs;
  }

  failed(nowMs: number): void {
    const delayMs = this.#intervalMs > 0 ? this.#intervalMs + RETRY_MS : this.#config.scheduleDelayMs || RETRY_MS;
    this.#dueMs = nowMs + delayMs;
    this.#triggered = true;
  }

  #schedule(nowMs: number): void {
    const atMs = nowMs + this.#config.scheduleDelayMs;
    if (this.#dueMs === undefined || this.#dueMs > atMs) this.#dueMs = atMs;
  }
}
