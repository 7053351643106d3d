// The labels of snapshots: their rules, what an update makes of them, and which of them a backend gets to see.
// @source containerd core/metadata/snapshot.go
import { invalidArgument, wrapError } from "../api/core/errors.js";
import { type Labels, storedLabels, validateLabels } from "../api/core/labels.js";
import { quote } from "../api/core/quote.js";

/** Names a snapshot that should come of the one that carries it; if that is there already, nothing needs to be prepared. */
export const TARGET_LABEL = "containerd.io/snapshot.ref";
const BACKEND_PREFIX = "containerd.io/snapshot/";
const LABEL_PATH = "labels.";

/** @throws invalid_argument. */
export function checkedLabels(labels: Labels): Labels {
  try {
    validateLabels(labels);
  } catch (error) {
    throw wrapError("info.Labels", error);
  }
  return storedLabels(labels);
}

export const backendLabels = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).filter(([key]) => key === TARGET_LABEL || key.startsWith(BACKEND_PREFIX)));

/** The labels after an update; without paths all are replaced. @throws invalid_argument. */
export function updatedLabels(
  current: Labels,
  update: { readonly name: string; readonly labels: Labels },
  paths: readonly string[],
): Labels {
  let labels = new Map(Object.entries(current));
  for (const path of paths.length === 0 ? ["labels"] : paths) {
    if (path === "labels") labels = new Map(Object.entries(update.labels));
    else if (path.startsWith(LABEL_PATH)) {
      const key = path.slice(LABEL_PATH.length);
      labels.set(key, Object.hasOwn(update.labels, key) ? (update.labels[key] ?? "") : "");
    } else throw invalidArgument(`cannot update ${quote(path)} field on snapshot ${quote(update.name)}`);
  }
  return checkedLabels(Object.fromEntries(labels));
}
