// What a doctor tells: where store and host do not fit together, and what became of it.
import type { RequestContext } from "./context.js";

/** One thing that the doctor found. Every field is set, none changes. */
export interface Finding {
  /** What it is, for programs: `bundle-without-task`, `stale-socket`, … */
  readonly kind: string;
  /** Namespace it belongs to; "" for what belongs to none. */
  readonly namespace: string;
  /** The thing itself: a path, an id, a process. */
  readonly subject: string;
  /** What is known about it, for people. */
  readonly detail: string;
  /** False for what may be meant so. */
  readonly isProblem: boolean;
  /** Whether it is provably the daemon's own, so that a repair would mend it. */
  readonly repairable: boolean;
  /** Whether this check has mended it. */
  readonly repaired: boolean;
}

/** A finding before anything was done about it. */
export interface Discovery extends Omit<Finding, "repairable" | "repaired"> {
  /** Only where it is provably the daemon's own. Resolves with whether it is mended: it may have found a use meanwhile. */
  readonly repair?: (() => Promise<boolean>) | undefined;
}

/** Looks over one part of the whole; changes nothing by itself. */
export interface Examiner {
  examine(signal?: AbortSignal): AsyncIterable<Discovery>;
}

/** Looks over the store and the host, and mends what is provably the daemon's own. */
export interface Doctor {
  /**
   * What is found, as it is found; the signal of the context ends the search. With `repair` whatever can be mended is, each with
   * a `/berth/doctor/repaired` event.
   */
  check(ctx: RequestContext, options: { readonly repair: boolean }): AsyncIterable<Finding>;
}
