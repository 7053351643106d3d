// What the threads of the differ are asked and what they answer: plain data, as it crosses between threads.
import type { Mount } from "../../api/core/task.js";

export interface ApplyJob {
  readonly kind: "apply";
  /** File of the layer. */
  readonly path: string;
  /** Whether its first bytes tell how it is compressed; otherwise it is taken as it is. */
  readonly sniffed: boolean;
  readonly target: ApplyTarget;
  /** Write the file system to disk at the end. */
  readonly syncFs: boolean;
}

export type ApplyTarget =
  /** Straight into the upper folder of an overlay, nearest lower folder first. */
  | { readonly kind: "overlay"; readonly upper: string; readonly lowers: readonly string[] }
  /** Into mounts, made on a temporary folder below `tempDir`. */
  | { readonly kind: "mounts"; readonly mounts: readonly Mount[]; readonly tempDir: string };

export interface DiffJob {
  readonly kind: "diff";
  readonly left: readonly Mount[];
  readonly right: readonly Mount[];
  /** Folder of temporary mounts. */
  readonly tempDir: string;
  readonly compression: "none" | "gzip" | "zstd";
  /** Time of whiteouts, and the latest time of all others. */
  readonly sourceDateEpochNs: bigint | undefined;
}

export type Job = ApplyJob | DiffJob;

/** Of the archive uncompressed, to its very end. */
export interface ArchiveSummary {
  readonly digest: string;
  readonly sizeBytes: number;
}

/** The other side of a job, for the thread that does it. */
export interface JobControl {
  /** @throws when the caller has lost interest. */
  check(): void;
  /** Hands out bytes, which must not be touched any more; waits while the other side is behind. */
  send(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** To a thread. `cancelled` is set to 1 when the caller has lost interest. */
export type ToThread =
  | { readonly kind: "job"; readonly job: Job; readonly cancelled: Int32Array }
  | { readonly kind: "taken" }
  | { readonly kind: "close" };

/** From a thread; a result or a failure ends the job. */
export type FromThread =
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  | { readonly kind: "result"; readonly result: ArchiveSummary }
  | { readonly kind: "failure"; readonly message: string; readonly code: string | undefined };
