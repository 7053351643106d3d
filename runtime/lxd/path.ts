// Paths of LXD's API. Whatever is filled in is quoted, so that no name leads elsewhere.
import { invalidArgument } from "../../api/core/errors.js";

/** A path of the API: lxdPath`/1.0/instances/${name}/state`. @throws invalid_argument for a name that no path can hold. */
export function lxdPath(parts: TemplateStringsArray, ...names: readonly string[]): string {
  return parts.map((part, index) => `${part}${index < names.length ? quoted(names[index] ?? "") : ""}`).join("");
}

function quoted(name: string): string {
  // A path without them would be another one.
  if (name === "" || name === "." || name === "..") throw invalidArgument(`lxd: name "${name}"`);
  return encodeURIComponent(name);
}

/** Adds a query to a path. What is undefined stays out. */
export function withQuery(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}
