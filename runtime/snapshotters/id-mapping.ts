// Whose a root file system is when its container's ids are mapped: labels tell the mapping, as `<inside>:<outside>:<count>,…`.
// @source containerd core/snapshots/snapshotter.go (label names), internal/userns
import { invalidArgument } from "../../api/core/errors.js";
import type { Labels } from "../../api/core/labels.js";
import { quote } from "../../api/core/quote.js";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const UID_LABEL = "containerd.io/snapshot/uidmapping";
const GID_LABEL = "containerd.io/snapshot/gidmapping";
const MAPPING = /^\d+:\d+:\d+(?:,\d+:\d+:\d+)*$/;
const MAX_ID = 2 ** 32 - 2;

/** The id outside of what is 0 inside. @throws invalid_argument for a malformed mapping, or one without 0. */
function mappedRoot(label: string, mapping: string): number {
  const ranges = MAPPING.test(mapping) ? mapping.split(",").map((range) => range.split(":").map(Number)) : [];
  for (const [first, outside = -1, count = 0] of ranges) {
    if (first === 0 && count > 0 && outside <= MAX_ID) return outside;
  }
  throw invalidArgument(`label ${label}: no mapping of id 0 in ${quote(mapping)}`);
}

/** The owner that the labels ask for; undefined when they ask for none. @throws invalid_argument. */
export function mappedOwner(labels: Labels): Owner | undefined {
  const [uids, gids] = [labels[UID_LABEL], labels[GID_LABEL]];
  if (uids === undefined || gids === undefined) return undefined;
  return { uid: mappedRoot(UID_LABEL, uids), gid: mappedRoot(GID_LABEL, gids) };
}
