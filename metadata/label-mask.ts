// Updates of records of which only the labels can change: content and snapshots.
// @source containerd core/metadata/content.go, core/metadata/snapshot.go (Update)
import { invalidArgument, wrapError } from "../api/core/errors.js";
import { type Labels, storedLabels, validateLabels } from "../api/core/labels.js";
import { quote } from "../api/core/quote.js";

const PREFIX = "labels.";

/** The labels as they are stored. @throws invalid_argument that begins with `info.Labels`. */
export function validInfoLabels(labels: Labels): Labels {
  try {
    validateLabels(labels);
  } catch (error) {
    throw wrapError("info.Labels", error);
  }
  return storedLabels(labels);
}

/**
 * The labels after an update. Paths are `labels` and `labels.<key>`, where the key is all that follows the first dot; without
 * paths all labels are replaced.
 * @param subject what is updated, for refusals: `content info "sha256:…"`.
 * @throws invalid_argument.
 */
export function updatedLabels(current: Labels, sent: Labels, paths: readonly string[], subject: string): Labels {
  let labels = new Map(Object.entries(current));
  for (const path of paths.length === 0 ? ["labels"] : paths) {
    if (path === "labels") labels = new Map(Object.entries(sent));
    else if (path.startsWith(PREFIX)) {
      const key = path.slice(PREFIX.length);
      labels.set(key, Object.hasOwn(sent, key) ? (sent[key] ?? "") : "");
    } else throw invalidArgument(`cannot update ${quote(path)} field on ${subject}`);
  }
  return validInfoLabels(Object.fromEntries(labels));
}
