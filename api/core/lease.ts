// Leases: names that hold on to resources while a client works on them.
// @source containerd core/leases/lease.go, core/metadata/leases.go
import type { RequestContext } from "./context.js";
import type { Labels } from "./labels.js";

/** A lease's record: immutable, but for what it holds. */
export interface Lease {
  /** Any non-empty string; the store makes one up when none is given. Immutable. */
  readonly id: string;
  /** Set by the store, nanoseconds since 1970. */
  readonly createdAtNs: bigint;
  /** Fixed for life. `containerd.io/gc.expire` (RFC 3339) lets the collector end the lease. */
  readonly labels: Labels;
}

/** Something a lease holds: type `content`, `ingests`, `images` or `snapshots/<snapshotter>`. */
export interface LeaseResource {
  /** Digest, ref, image name or snapshot key; not checked to be there. */
  readonly id: string;
  readonly type: string;
}

/** The leases of each namespace; every call is about the one in its context. @throws failed_precondition without one. */
export interface LeaseStore {
  /** Without an id one is made up. @throws already_exists. */
  create(ctx: RequestContext, lease: { readonly id?: string; readonly labels?: Labels }): Promise<Lease>;
  /** Lets go of all it holds. `sync`: resolves when what became free has been collected. Default: false. @throws not_found. */
  delete(ctx: RequestContext, id: string, options?: { readonly sync?: boolean }): Promise<void>;
  /** By id. Filter fields: id, labels.<key>. @throws invalid_argument for a bad filter. */
  list(ctx: RequestContext, filters?: readonly string[]): Promise<Lease[]>;
  /** Idempotent. @throws not_found for the lease, invalid_argument, not_implemented for a type unknown here. */
  addResource(ctx: RequestContext, id: string, resource: LeaseResource): Promise<void>;
  /** Idempotent. @throws not_found for the lease, invalid_argument, not_implemented for a type unknown here. */
  deleteResource(ctx: RequestContext, id: string, resource: LeaseResource): Promise<void>;
  /** By type, then id. @throws not_found. */
  listResources(ctx: RequestContext, id: string): Promise<LeaseResource[]>;
}
