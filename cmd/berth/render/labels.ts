// Labels on one line, in the order of their keys.
import type { Labels } from "../../../api/core/labels.js";

/** `a=b,c=d`. */
export function renderLabels(labels: Labels): string {
  return Object.entries(labels)
    .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}
