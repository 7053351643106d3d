// The labels of snapshots that mean something: one names a target, and some are for backends to see.
// @source containerd core/metadata/snapshot.go
import type { Labels } from "../api/core/labels.js";

/** Names a snapshot that should come of the one that carries it; if that is there already, nothing needs to be prepared. */
export const TARGET_LABEL = "containerd.io/snapshot.ref";
const BACKEND_PREFIX = "containerd.io/snapshot/";

export const backendLabels = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => key === TARGET_LABEL || key.startsWith(BACKEND_PREFIX)));
