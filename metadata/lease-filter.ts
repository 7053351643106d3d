// Leases as filters see them: `id` and `labels.<key>`.
import type { Adaptor } from "../api/core/filters/index.js";
import type { Lease } from "../api/core/lease.js";
import { entryAt, parseListFilters } from "./list-filter.js";

function leaseAdaptor(lease: Lease): Adaptor {
  return ([field = "", ...rest]) => {
    switch (field) {
      case "id":
        return lease.id === "" ? undefined : lease.id;
      case "labels":
        return entryAt(lease.labels, rest);
      default:
        return undefined;
    }
  };
}

/** @throws invalid_argument for a bad filter. */
export function leaseMatcher(filters: readonly string[]): (lease: Lease) => boolean {
  const filter = parseListFilters(filters);
  return (lease) => filter.match(leaseAdaptor(lease));
}
