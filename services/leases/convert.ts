// Leases between wire and record.
import type { Lease, LeaseResource } from "../../api/core/lease.js";
import { toTimestamp } from "../../api/core/time.js";
import { Lease as LeaseMessage, type Resource } from "../../api/gen/services/leases/v1/leases.js";
import { toMap } from "../maps.js";

export const toLeaseMessage = (lease: Lease): LeaseMessage =>
  LeaseMessage.fromPartial({ id: lease.id, createdAt: toTimestamp(lease.createdAtNs), labels: toMap(lease.labels) });

/** A missing resource is one without type, which the store refuses. */
export const fromResourceMessage = (message: Resource | undefined): LeaseResource => ({
  id: message?.id ?? "",
  type: message?.type ?? "",
});
