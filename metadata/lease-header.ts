// The lease that a request names in its header: what the request makes is held by it, in the same transaction.
// @source containerd core/metadata/leases.go (addSnapshotLease, addContentLease and their opposites)
import type { RequestContext } from "../api/core/context.js";
import { notFound } from "../api/core/errors.js";
import type { LeaseResource } from "../api/core/lease.js";
import type { Reader } from "./statements.js";
import type { Transaction } from "./transaction.js";

const EXISTS = "SELECT 1 FROM leases WHERE namespace = ? AND id = ?";
const ADD = "INSERT INTO lease_resources (namespace, lease, type, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
const REMOVE = "DELETE FROM lease_resources WHERE namespace = ? AND lease = ? AND type = ? AND id = ?";

/** Whether the request names a lease; the empty name is one too, which no lease has. */
export const hasLease = ({ leaseId }: RequestContext): boolean => leaseId !== undefined;

/** For work that comes before its transaction. @throws not_found when the lease of the header is not there. */
export function requireLease(reader: Reader, { leaseId }: RequestContext, namespace: string): void {
  if (leaseId === undefined) return;
  if (reader.get(EXISTS, namespace, leaseId) === undefined) throw notFound("lease does not exist");
}

/** @returns whether a lease holds it now. @throws not_found when the lease of the header is not there. */
export function addToLease(tx: Transaction, ctx: RequestContext, namespace: string, resource: LeaseResource): boolean {
  const { leaseId } = ctx;
  if (leaseId === undefined) return false;
  requireLease(tx, ctx, namespace);
  tx.run(ADD, namespace, leaseId, resource.type, resource.id);
  return true;
}

/** Fine when the lease of the header, or the entry, is not there. Other leases keep theirs. */
export function removeFromLease(
  tx: Transaction,
  ctx: RequestContext,
  namespace: string,
  resource: LeaseResource,
): void {
  const { leaseId } = ctx;
  if (leaseId === undefined) return;
  tx.run(REMOVE, namespace, leaseId, resource.type, resource.id);
}
