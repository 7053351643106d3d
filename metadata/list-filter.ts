// What the filters of the list calls share.
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

/** A label, or an annotation, by the pieces of its path: keys hold dots. undefined when there is none. */
export function entryAt(entries: Readonly<Record<string, string>>, path: readonly string[]): string | undefined {
  const key = path.join(".");
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}
