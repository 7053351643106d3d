// Specs as clients of containerd really make them: the default one of ctr 1.6.20 and, by the flags or the client that made them,
// what others change of it. Recorded from containers of a real containerd; lists of devices and of system calls are shortened.
import { readFileSync } from "node:fs";

export interface JsonObject {
  readonly [member: string]: Json;
}
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

const FILE = new URL("../fixtures/specs/ctr-1.6.20.json", import.meta.url);

interface Recorded {
  readonly default: JsonObject;
  readonly changes: Readonly<Record<string, JsonObject>>;
}

let recorded: Recorded | undefined;

function read(): Recorded {
  recorded ??= JSON.parse(readFileSync(FILE, "utf8")) as Recorded;
  return recorded;
}

/** Flags of `ctr containers create --rootfs`, an image, or another client. */
export const recordedSpecs = (): readonly string[] => Object.keys(read().changes);

/**
 * ctr's default spec, or a recorded one, with further changes merged in (RFC 7396: null takes a member away). The root is the one
 * that ctr writes for an image.
 */
export function clientSpec(name = "", changes: JsonObject = {}): JsonObject {
  const made = name === "" ? {} : read().changes[name];
  if (made === undefined) throw new Error(`no spec of ${name} was recorded`);
  return merge(merge(merge(read().default, made), { root: { path: "rootfs" } }), changes);
}

function merge(into: JsonObject, changes: JsonObject): JsonObject {
  const merged = new Map(Object.entries(into));
  for (const [name, change] of Object.entries(changes)) {
    const was = merged.get(name);
    if (change === null) merged.delete(name);
    else merged.set(name, isObject(change) ? merge(isObject(was) ? was : {}, change) : change);
  }
  return Object.fromEntries(merged);
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);
