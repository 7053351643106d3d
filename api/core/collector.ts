// The collector: finds what nothing holds, and frees it. Roots are images, containers, leases that live, and what labels say.
// @source containerd core/metadata/gc.go, plugins/gc
import type { RequestContext } from "./context.js";
import { jsonPayload } from "./json-payload.js";

/** Something that can be collected or hold others. */
export interface CollectorNode {
  readonly type: "content" | "snapshot" | "ingest" | "lease" | "image" | "container";
  readonly namespace: string;
  /** Digest, ref, id or name; of a snapshot `<snapshotter>/<key>`. */
  readonly key: string;
}

/** One removal, of a record or of bytes, with its reason. */
export interface Removal extends CollectorNode {
  readonly reason: string;
}

/** What one run did, or would do. */
export interface CollectionReport {
  readonly removed: readonly Removal[];
  /** Bytes of blobs and snapshot folders that were freed; 0 in a dry run. */
  readonly freedBytes: number;
  /** For how long writers were kept out, in nanoseconds. */
  readonly pauseNs: bigint;
}

/** From a root to the node asked about: what holds it, and how (`target`, `label containerd.io/gc.ref.…`, `parent`, …). */
export type HoldingChain = readonly { readonly node: CollectorNode; readonly by: string }[];

/** Frees what nothing holds, in all namespaces. It runs by itself too, as its policy says. */
export interface Collector {
  /**
   * Runs now; a run already under way does not count. Resolves when the bytes are freed as well. `dryRun` (default: false) only
   * looks. An aborted signal ends the waiting, not the run.
   * @throws unavailable once the store is closed, unknown when the run fails.
   */
  collect(options?: {
    readonly dryRun?: boolean;
    readonly signal?: AbortSignal | undefined;
  }): Promise<CollectionReport>;
  /**
   * Every chain that holds a blob (digest), snapshot (`<snapshotter>/<key>` or key) or image (name); none: nothing does.
   * @throws not_found.
   */
  explain(ctx: RequestContext, subject: string): Promise<readonly HoldingChain[]>;
}

/** The ledger's topic for each removal; it reaches only subscribers that name it. */
export const REMOVAL_TOPIC = "/berth/gc/removed";

/** Type url of the payload of a removal. */
export const REMOVAL_TYPE = "berth.events.Removal";

export const removalCodec = jsonPayload<Removal>(REMOVAL_TYPE);
