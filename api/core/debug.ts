// What a daemon tells of its own process: where its time goes, what its memory holds. Ours; containerd has Go's pprof for that.
import type { RequestContext } from "./context.js";

/**
 * `cpu` where processor time goes (.cpuprofile), `heap` what memory holds (.heapsnapshot), `allocations` what takes memory, sampled
 * (.heapprofile), `trace` what Node traces (Chrome's trace format), `block` how long the event loop was held up (JSON, nanoseconds),
 * `report` Node's diagnostic report, without environment and network (JSON).
 */
export type ProfileKind = "cpu" | "heap" | "allocations" | "trace" | "block" | "report";

/** Profiles of the daemon's own process. */
export interface Debug {
  /**
   * One file, piece by piece, for the tools of Chrome and VS Code. Kinds that take time take `durationMs`, at most ten minutes; default:
   * 30 s. A heap snapshot stops the daemon while it is taken, and all of them may show secrets that are in memory.
   * @throws invalid_argument for a longer one, failed_precondition for a second trace at a time, cancelled.
   */
  profile(
    ctx: RequestContext,
    kind: ProfileKind,
    options?: { readonly durationMs?: number },
  ): AsyncIterable<Uint8Array>;
}
