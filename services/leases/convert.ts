// Leases between wire and record.
import { invalidArgument } from "../../api/core/errors.js";
import type { Lease, LeaseResource } from "../../api/core/lease.js";
import { toTimestamp } from "../../api/core/time.js";
import { Lease as LeaseMessage, type Resource } from "../../api/gen/services/leases/v1/leases.js";
import { toMap } from "../maps.js";

export const toLeaseMessage = (lease: Lease): LeaseMessage =>
  LeaseMessage.fromPartial({ id: lease.id, createdAt: toTimestamp(lease.createdAtNs), labels: toMap(lease.labels) });

/** @throws invalid_argument for a missing one. */
export function fromResourceMessage(message: Resource | undefined): LeaseResource {
  if (message === undefined) throw invalidArgument("resource must be set");
  return { id: message.id, type: message.type };
}
