// The labels by which a document keeps alive what it refers to: set on it for all its children, fetched or not.
// @source containerd core/images/handlers.go (SetChildrenMappedLabels), core/images/mediatypes.go (ChildGCLabels)
import type { Descriptor } from "../../core/descriptor.js";
import { isConfig, isLayer, isManifest } from "./media-types.js";

const PREFIX = "containerd.io/gc.ref.content.";
export const UNCOMPRESSED_LABEL = "containerd.io/uncompressed";
export const DISTRIBUTION_SOURCE_PREFIX = "containerd.io/distribution.source.";

/** On a config (or manifest): the unpacked top layer of its image. */
export const snapshotLabel = (snapshotter: string): string => `containerd.io/gc.ref.snapshot.${snapshotter}`;

/** Names the repositories of a host that have the content; hosts are told apart without their port, as containerd does. */
export const sourceLabel = (host: string): string =>
  `${DISTRIBUTION_SOURCE_PREFIX}${host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1")}`;

function prefixOf(mediaType: string): string {
  if (isManifest(mediaType)) return `${PREFIX}m.`;
  if (isLayer(mediaType)) return `${PREFIX}l.`;
  if (isConfig(mediaType)) return `${PREFIX}config`;
  return PREFIX;
}

/** Label by label for the children in their order; each kind is counted from 0, the first config has no number. */
export function childLabels(children: readonly Descriptor[]): Record<string, string> {
  const counts = new Map<string, number>();
  return Object.fromEntries(
    children.map(({ mediaType, digest }) => {
      const prefix = prefixOf(mediaType);
      const count = counts.get(prefix) ?? 0;
      counts.set(prefix, count + 1);
      const isFirstConfig = prefix.endsWith("config") && count === 0;
      return [isFirstConfig ? prefix : `${prefix}${prefix.endsWith("config") ? "." : ""}${count}`, digest];
    }),
  );
}
