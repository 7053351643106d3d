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
/** Node's timers wait no longer. */
const MAX_INTERVAL_MS = 2 ** 31 - 1;

export class CollectorPolicy {
  readonly #config: CollectorPolicyConfig;
  #mutations = 0;
  #deletions = 0;
  #isTriggered = false;
  #isRunning = false;
  #hasRun = false;
  #isDirty = false;
  #pausesMs = 0;
  #runs = 0;
  #intervalMs = 0;
  /** The first run after a start is due anyhow; it holds back nothing that is worth a run before. */
  #startupMs: number | undefined;
  #nextMs: number | undefined;

  constructor(config: CollectorPolicyConfig, nowMs: number) {
    this.#config = config;
    if (config.startupDelayMs > 0) this.#startupMs = nowMs + config.startupDelayMs;
  }

  /** When to call {@link tick}; undefined: not before something happens. */
  get dueMs(): number | undefined {
    if (this.#nextMs === undefined || this.#startupMs === undefined) return this.#nextMs ?? this.#startupMs;
    return Math.min(this.#nextMs, this.#startupMs);
  }

  /** A commit that changed records; `isDirty` when it deleted some. */
  mutated(isDirty: boolean, nowMs: number): void {
    const { deletionThreshold, mutationThreshold } = this.#config;
    this.#isDirty ||= isDirty;
    this.#mutations += 1;
    if (this.#isDirty) this.#deletions += 1;
    const byDeletions = deletionThreshold > 0 && this.#deletions >= deletionThreshold;
    const worthATick =
      (deletionThreshold === 0 && this.#deletions > 0) ||
      (mutationThreshold > 0 && this.#mutations >= mutationThreshold);
    // What changes during a run waits for the tick that the end of the run sets.
    const nothingDue = this.#nextMs === undefined && !this.#isRunning;
    if (byDeletions || (nothingDue && worthATick)) this.#schedule(nowMs);
  }

  /** Somebody waits for a run, which must begin after this. */
  trigger(nowMs: number): void {
    this.#isTriggered = true;
    this.#schedule(nowMs);
  }

  /** At the due time: whether to run now; then {@link ran} or {@link failed} must follow. */
  tick(): boolean {
    const { mutationThreshold } = this.#config;
    const enough = mutationThreshold > 0 && this.#mutations >= mutationThreshold;
    this.#nextMs = undefined;
    this.#startupMs = undefined;
    // A quiet daemon is not woken for nothing: with no tick set, the next mutation that matters makes the run due.
    if (this.#hasRun && !this.#isTriggered && this.#deletions === 0 && !enough) return false;
    this.#isTriggered = false;
    this.#isRunning = true;
    this.#mutations = 0;
    this.#deletions = 0;
    this.#isDirty = false;
    return true;
  }

  /** A run has ended that kept writers out for so long: the more they take, the rarer they become. */
  ran(pauseMs: number, nowMs: number): void {
    const { pauseThreshold } = this.#config;
    this.#isRunning = false;
    this.#hasRun = true;
    this.#runs += 1;
    this.#pausesMs += pauseMs;
    const averageMs = Math.max(this.#pausesMs / this.#runs, MIN_PAUSE_MS);
    const intervalMs = pauseThreshold > 0 ? averageMs / pauseThreshold - averageMs : IDLE_INTERVAL_MS;
    this.#intervalMs = Math.min(intervalMs, MAX_INTERVAL_MS);
    this.#nextMs ??= nowMs + this.#intervalMs;
  }

  /** A run has failed and changed nothing: it is tried again, unless somebody asks before. */
  failed(nowMs: number): void {
    this.#isRunning = false;
    this.#isTriggered = true;
    const delayMs = this.#intervalMs > 0 ? this.#intervalMs + RETRY_MS : this.#config.scheduleDelayMs || RETRY_MS;
    this.#nextMs ??= nowMs + Math.min(delayMs, MAX_INTERVAL_MS);
  }

  #schedule(nowMs: number): void {
    const atMs = nowMs + this.#config.scheduleDelayMs;
    if (this.#nextMs === undefined || this.#nextMs > atMs) this.#nextMs = atMs;
  }
}
