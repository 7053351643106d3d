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

/** The fields while paths are applied to them: maps, since there may be as many paths as a message holds, and any key. */
interface Draft {
  labels: Map<string, string>;
  extensions: Map<string, Any>;
  spec: Any | undefined;
  image: string;
  snapshotKey: string;
}

function entryOf<T>(entries: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : undefined;
}

const mapOf = <T>(entries: Readonly<Record<string, T>> = {}): Map<string, T> => new Map(Object.entries(entries));

/** Changes one field. Extensions only ever gain: containerd's store merges them and never removes one. */
function applyPath(draft: Draft, update: ContainerUpdate, path: string): void {
  const label = keyBehind("labels.", path);
  if (label !== undefined) {
    draft.labels.set(label, entryOf(update.labels, label) ?? "");
    return;
  }
  const extension = keyBehind("extensions.", path);
  if (extension !== undefined) {
    draft.extensions.set(extension, entryOf(update.extensions, extension) ?? EMPTY_ANY);
    return;
  }
  switch (path) {
    case "labels":
      draft.labels = mapOf(update.labels);
      return;
    case "spec":
      draft.spec = update.spec;
      return;
    case "extensions":
      for (const [key, value] of mapOf(update.extensions)) draft.extensions.set(key, value);
      return;
    case "image":
      draft.image = update.image ?? "";
      return;
    case "snapshotkey":
      draft.snapshotKey = update.snapshotKey ?? "";
      return;
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
  const draft: Draft = {
    labels: mapOf(current.labels),
    image: current.image,
    snapshotKey: current.snapshotKey,
    extensions: mapOf(current.extensions),
    spec: current.spec,
  };
  for (const path of paths.length === 0 ? FULL_UPDATE : paths) applyPath(draft, update, path);
  return { ...draft, labels: Object.fromEntries(draft.labels), extensions: Object.fromEntries(draft.extensions) };
}
