// Filters of the list calls.
import { errorKind, invalidArgument } from "../api/core/errors.js";
import { type Filter, parseFilters } from "../api/core/filters/index.js";

/** @throws invalid_argument; the message carries the class twice, as containerd's lists of containers and leases have it. */
export function parseListFilters(filters: readonly string[]): Filter {
  try {
    return parseFilters(filters);
  } catch (error) {
    if (error instanceof Error && errorKind(error) === "invalid_argument") throw invalidArgument(error.message, error);
    throw error;
  }
}
