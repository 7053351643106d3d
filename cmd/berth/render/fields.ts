// Fields that a person picks: members of a record's JSON form, by name, dotted for members of members.

import { closest } from "../did-you-mean.js";
import { UsageError } from "../exit-status.js";
import { renderJson } from "./json.js";

/** The records with nothing but those fields, under the names that they were asked for by; null where a record lacks one.
 * @throws UsageError for a name that no record has and that is not among `known`. */
export function pickFields(
  records: readonly unknown[],
  fields: readonly string[],
  known: readonly string[] = [],
): Record<string, unknown>[] {
  const names = [...new Set([...records.flatMap((record) => membersOf(record).map(([name]) => name)), ...known])];
  for (const field of fields) {
    if (names.length > 0 && !names.some((name) => startsWith(field, name))) {
      const guess = closest(field, names);
      const hint = guess === undefined ? undefined : `did you mean ${guess}?`;
      throw new UsageError(`unknown field "${field}": there are ${names.join(", ")}`, hint);
    }
  }
  return records.map((record) =>
    Object.fromEntries(fields.map((field) => [field, memberAt(record, field) ?? null] as const)),
  );
}

/** A field's value as a cell. */
export function fieldText(value: unknown): string {
  if (value === null || value === undefined || value === "") return "-";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(fieldText).join(",") || "-";
  if (typeof value !== "object" || value instanceof Uint8Array) return renderJson(value, 0);
  const members = membersOf(value);
  if (members.length === 0) return "-";
  const isFlat = members.every(([, member]) => typeof member !== "object" || member === null);
  return isFlat ? members.map(([name, member]) => `${name}=${fieldText(member)}`).join(",") : renderJson(value, 0);
}

/** Names may have dots in them (`labels.containerd.io/x`), so each is tried as far as it goes. */
function memberAt(value: unknown, path: string): unknown {
  for (const [name, member] of membersOf(value)) {
    if (isSame(name, path)) return member;
    if (startsWith(path, name)) {
      const found = memberAt(member, path.slice(name.length + 1));
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function membersOf(value: unknown): [string, unknown][] {
  if (value instanceof Map) return [...value].map(([name, member]) => [String(name), member]);
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return [];
  return Object.entries(value);
}

function startsWith(path: string, name: string): boolean {
  return isSame(path, name) || isSame(path.slice(0, name.length + 1), `${name}.`);
}

/** `id` finds `ID`, as documents in the form of other tools have it. */
function isSame(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
