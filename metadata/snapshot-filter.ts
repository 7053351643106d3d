// Snapshots as filters see them: `name`, `parent`, `kind` and `labels.<key>`.
// @source containerd core/metadata/adaptors.go
import { errorKind, unknownError } from "../api/core/errors.js";
import { type Adaptor, type Filter, parseFilters } from "../api/core/filters/index.js";
import type { SnapshotInfo } from "../api/core/snapshot.js";
import { entryAt } from "./list-filter.js";

function snapshotAdaptor({ name, parent, kind, labels }: SnapshotInfo): Adaptor {
  return ([field = "", ...rest]) => {
    switch (field) {
      case "name":
        return name;
      case "parent":
        return parent;
      case "kind":
        return kind;
      case "labels":
        return entryAt(labels, rest);
      default:
        return undefined;
    }
  };
}

function parse(filters: readonly string[]): Filter {
  try {
    return parseFilters(filters);
  } catch (error) {
    // containerd forgets the class of this one.
    if (error instanceof Error && errorKind(error) === "invalid_argument") throw unknownError(error.message, error);
    throw error;
  }
}

/** @throws unknown for a bad filter. */
export function snapshotMatcher(filters: readonly string[]): (info: SnapshotInfo) => boolean {
  const filter = parse(filters);
  return (info) => filter.match(snapshotAdaptor(info));
}
