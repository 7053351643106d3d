// Filters over containers: which rows an index can answer for, and how the rest is decided by code over ids and labels.
// @source containerd core/metadata/adaptors.go
import type { Adaptor, Filter, Selector } from "../api/core/filters/index.js";
import type { SqlValue } from "./statements.js";

/** What filters may look at. Labels hold the keys that the filter names, no others. */
export interface FilterableContainer {
  readonly id: string;
  readonly image: string;
  readonly runtimeName: string;
  readonly labels: ReadonlyMap<string, string>;
}

/** A container as filters see it; an empty field is absent. */
export function containerAdaptor(container: FilterableContainer): Adaptor {
  return ([field = "", ...rest]) => {
    switch (field) {
      case "id":
        return container.id || undefined;
      case "image":
        return container.image || undefined;
      case "runtime":
        return rest[0] === "name" ? container.runtimeName || undefined : undefined;
      case "labels":
        return container.labels.get(rest.join("."));
      default:
        return undefined;
    }
  };
}

interface SqlPart {
  readonly sql: string;
  readonly values: readonly SqlValue[];
}

/** A select of the ids that one selector matches, where an index (or the scan it replaces) answers exactly; else undefined. */
function selectIds({ path, operator, value }: Selector, namespace: string): SqlPart | undefined {
  if (operator !== "present" && operator !== "==") return undefined;
  const equal = operator === "==";
  const select = (table: string, column: string, more: readonly SqlValue[] = []): SqlPart => ({
    sql: `SELECT id FROM ${table} WHERE namespace = ? AND ${column}`,
    values: [namespace, ...more],
  });
  const [field = "", ...rest] = path;
  switch (field) {
    case "id":
      return equal ? select("containers", "id = ?", [value]) : undefined;
    case "image":
      if (!equal) return select("containers", "image <> ''");
      return value === "" ? select("containers", "0") : select("containers", "image = ?", [value]);
    case "labels": {
      const key = rest.join(".");
      if (!equal) return select("container_labels", "key = ?", [key]);
      // A stored label is never empty, so this finds nothing for "".
      return select("container_labels", "key = ? AND value = ?", [key, value]);
    }
    default:
      return undefined;
  }
}

/** How a list of containers is narrowed down. */
export interface ContainerPlan {
  /** Ids that may match, as a select; undefined: all of the namespace. */
  readonly candidates: SqlPart | undefined;
  /** Whether every candidate matches, so that no code needs to look. */
  readonly exact: boolean;
  /** The labels that {@link containerAdaptor} will be asked for. */
  readonly labelKeys: readonly string[];
  /** Whether it will be asked for more than id and labels, which are in indexes. */
  readonly needsRow: boolean;
}

/** SQLite takes 500 selects in a row and 32,766 values; clients' filters stay far below or are decided by code. */
const MAX_SELECTS = 64;

/** Comma is AND, several filters are OR. A filter without selectors matches everything. */
export function planContainers(filter: Filter, namespace: string): ContainerPlan {
  const labelKeys = filter.selectors.flatMap((all) =>
    all.filter(({ path }) => path[0] === "labels").map(({ path }) => path.slice(1).join(".")),
  );
  const everything: ContainerPlan = {
    candidates: undefined,
    exact: false,
    labelKeys: [...new Set(labelKeys)],
    needsRow: filter.selectors.flat().some(({ path }) => path[0] === "image" || path[0] === "runtime"),
  };
  if (filter.selectors.length === 0 || filter.selectors.some((all) => all.length === 0)) {
    return { ...everything, exact: true };
  }
  if (filter.selectors.flat().length > MAX_SELECTS) return everything;
  let exact = true;
  const alternatives: SqlPart[] = [];
  for (const all of filter.selectors) {
    const parts = all.map((selector) => selectIds(selector, namespace)).filter((part) => part !== undefined);
    if (parts.length === 0) return everything;
    if (parts.length < all.length) exact = false;
    const only = parts.length === 1 ? parts[0] : undefined;
    alternatives.push({
      // A compound select as part of another one has to be in brackets, which only FROM takes.
      sql: only === undefined ? `SELECT id FROM (${parts.map(({ sql }) => sql).join(" INTERSECT ")})` : only.sql,
      values: parts.flatMap(({ values }) => values),
    });
  }
  const candidates = {
    sql: alternatives.map(({ sql }) => sql).join(" UNION "),
    values: alternatives.flatMap(({ values }) => values),
  };
  return { ...everything, candidates, exact };
}
