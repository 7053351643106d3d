// Leases as filters see them: `id` and `labels.<key>`.
import type { Adaptor } from "../api/core/filters/index.js";
import type { Labels } from "../api/core/labels.js";
import type { Lease } from "../api/core/lease.js";
import { parseListFilters } from "./list-filter.js";

/** A label by the pieces of its path; undefined when there is none. */
function labelValue(labels: Labels, path: readonly string[]): string | undefined {
  const key = path.join(".");
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}

function leaseAdaptor(lease: Lease): Adaptor {
  return ([field = "", ...rest]) => {
    switch (field) {
      case "id":
        return lease.id === "" ? undefined : lease.id;
      case "labels":
        return labelValue(lease.labels, rest);
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
