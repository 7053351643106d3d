// What an update does to a container, as a pure function of the stored record and the request.
// @source containerd core/metadata/containers.go (Update)
import type { Container, ContainerUpdate } from "../api/core/container.js";
import { invalidArgument } from "../api/core/errors.js";
import { quote } from "../api/core/quote.js";
import type { Any } from "../api/core/typeurl.js";

/** The fields an update may change, as they are once all paths are applied. `spec` may be missing: validation refuses that. */
export type MutableFields = Pick<Container, "labels" | "image" | "snapshotKey" | "extensions"> & {
  readonly spec: Any | undefined;
};

const FULL_UPDATE: readonly string[] = ["labels", "spec", "extensions", "image", "snapshotkey"];
const EMPTY_ANY: Any = { typeUrl: "", value: Buffer.alloc(0) };

/** What follows the prefix, dots and all; undefined when the path does not begin with it. */
function keyBehind(prefix: string, path: string): string | undefined {
  return path.startsWith(prefix) ? path.slice(prefix.length) : undefined;
}

/** A copy with one entry set; safe for any key. */
function withEntry<T>(entries: Readonly<Record<string, T>>, key: string, value: T): Record<string, T> {
  return Object.fromEntries([...Object.entries(entries), [key, value]]);
}

function entryOf<T>(entries: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : undefined;
}

/** Changes one field. Extensions only ever gain: containerd's store merges them and never removes one. */
function applyPath(fields: MutableFields, update: ContainerUpdate, path: string): MutableFields {
  const label = keyBehind("labels.", path);
  if (label !== undefined) {
    return { ...fields, labels: withEntry(fields.labels, label, entryOf(update.labels, label) ?? "") };
  }
  const extension = keyBehind("extensions.", path);
  if (extension !== undefined) {
    const value = entryOf(update.extensions, extension) ?? EMPTY_ANY;
    return { ...fields, extensions: withEntry(fields.extensions, extension, value) };
  }
  switch (path) {
    case "labels":
      return { ...fields, labels: update.labels ?? {} };
    case "spec":
      return { ...fields, spec: update.spec };
    case "extensions":
      return { ...fields, extensions: { ...fields.extensions, ...update.extensions } };
    case "image":
      return { ...fields, image: update.image ?? "" };
    case "snapshotkey":
      return { ...fields, snapshotKey: update.snapshotKey ?? "" };
    default:
      throw invalidArgument(`cannot update ${quote(path)} field on ${quote(update.id)}`);
  }
}

function requireUnchanged(current: Container, update: ContainerUpdate): void {
  if ((update.snapshotter ?? "") !== current.snapshotter) {
    throw invalidArgument("container.Snapshotter field is immutable");
  }
  if ((update.runtime?.name ?? "") !== current.runtime.name) {
    throw invalidArgument("container.Runtime.Name field is immutable");
  }
}

/**
 * The mutable fields after an update; the record itself is not touched, and neither is any field that no path names. Without
 * paths all of them are replaced, and the immutable fields of the request must be the stored ones.
 * @throws invalid_argument for a path that cannot be updated or an immutable field that differs.
 */
export function applyUpdate(current: Container, update: ContainerUpdate, paths: readonly string[]): MutableFields {
  if (paths.length === 0) requireUnchanged(current, update);
  const start: MutableFields = {
    labels: current.labels,
    image: current.image,
    snapshotKey: current.snapshotKey,
    extensions: current.extensions,
    spec: current.spec,
  };
  const effective = paths.length === 0 ? FULL_UPDATE : paths;
  return effective.reduce((fields, path) => applyPath(fields, update, path), start);
}
