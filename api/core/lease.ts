// Leases: names that hold on to resources while a client works on them.
// @source containerd core/leases/lease.go, core/metadata/leases.go
import type { RequestContext } from "./context.js";
import type { Labels } from "./labels.js";

export interface Lease {
  /** Any non-empty string; the store makes one up when none is given. Immutable. */
  readonly id: string;
  readonly createdAtNs: bigint;
  /** Fixed for life. `containerd.io/gc.expire` (RFC 3339) lets the collector end the lease. */
  readonly labels: Labels;
}

/** Something a lease holds: type `content`, `ingests`, `images` or `snapshots/<snapshotter>`. */
export interface LeaseResource {
  readonly id: string;
  readonly type: string;
}

export interface LeaseStore {
  /** @throws already_exists. */
  create(ctx: RequestContext, lease: { readonly id?: string; readonly labels?: Labels }): Promise<Lease>;
  /** @throws not_found. */
  delete(ctx: RequestContext, id: string, options?: { readonly sync?: boolean }): Promise<void>;
  /** By id. Filter fields: id, labels.<key>. @throws invalid_argument for a bad filter. */
  list(ctx: RequestContext, filters?: readonly string[]): Promise<Lease[]>;
  /** Idempotent. @throws not_found for the lease, invalid_argument, not_implemented for a type unknown here. */
  addResource(ctx: RequestContext, id: string, resource: LeaseResource): Promise<void>;
  deleteResource(ctx: RequestContext, id: string, resource: LeaseResource): Promise<void>;
  /** @throws not_found. */
  listResources(ctx: RequestContext, id: string): Promise<LeaseResource[]>;
}
