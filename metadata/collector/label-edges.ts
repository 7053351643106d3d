// What labels say to the collector: this holds that, this lives while that lives, this holds that on a condition.
// @source containerd core/metadata/gc.go (the keys), docs/garbage-collection.md
import type { CollectorNode } from "../../api/core/collector.js";
import { parseDuration } from "../../api/core/duration.js";
import { parseTime } from "./expiry.js";

const REF = "containerd.io/gc.ref.";
const BREF = "containerd.io/gc.bref.";
const CONDITION = "containerd.io/gc.cond.snapshot";
export const ROOT_LABEL = "containerd.io/gc.root";
export const EXPIRE_LABEL = "containerd.io/gc.expire";
export const FLAT_LABEL = "containerd.io/gc.flat";
/** On a snapshot: when it was used last, for conditions. */
export const USED_AT_LABEL = "containerd.io/gc.cond.value-usedat";

type Target = Pick<CollectorNode, "type" | "key">;

/** What a label refers to: `holds` it, or is held `by` it. */
export interface LabelEdge {
  readonly direction: "holds" | "by";
  readonly target: Target;
}

/** `content`, `content.x` and `content/x`, but not `contentx`. */
const isKind = (name: string, kind: string): boolean =>
  name === kind || name.startsWith(`${kind}.`) || name.startsWith(`${kind}/`);

function targetOf(name: string, value: string): Target | undefined {
  if (isKind(name, "content")) return { type: "content", key: value };
  if (isKind(name, "image")) return { type: "image", key: value };
  if (!name.startsWith("snapshot.")) return undefined;
  const [snapshotter = ""] = name.slice("snapshot.".length).split("/");
  return { type: "snapshot", key: `${snapshotter}/${value}` };
}

/** A label as an edge; undefined for one that is none. Values are never empty. */
export function labelEdge(key: string, value: string): LabelEdge | undefined {
  if (key.startsWith(REF)) {
    const target = targetOf(key.slice(REF.length), value);
    return target && { direction: "holds", target };
  }
  if (!key.startsWith(BREF)) return undefined;
  const name = key.slice(BREF.length);
  const target = isKind(name, "container") ? { type: "container" as const, key: value } : targetOf(name, value);
  return target && { direction: "by", target };
}

/**
 * The snapshots that a condition label holds now: `usedat<24h|KEY` while KEY was used less than a day ago, `>` the other way
 * round; several conditions joined by commas, unknown ones ignored.
 * @param usedAt value of {@link USED_AT_LABEL} of a snapshot, by its key `<snapshotter>/<name>`.
 */
export function conditionTargets(
  key: string,
  value: string,
  usedAt: (snapshot: string) => string | undefined,
  nowNs: bigint,
): Target[] {
  if (!key.startsWith(`${CONDITION}.`) && !key.startsWith(`${CONDITION}/`)) return [];
  const [snapshotter = ""] = key.slice(CONDITION.length + 1).split("/");
  const targets: Target[] = [];
  for (const condition of value.split(",")) {
    const [, operator, duration = "", name = ""] = /^usedat([<>])([^|]*)\|(.+)$/.exec(condition) ?? [];
    const limitNs = parseDuration(duration);
    const usedNs = parseTime(usedAt(`${snapshotter}/${name}`) ?? "");
    if (operator === undefined || limitNs === undefined || usedNs === undefined) continue;
    const ageNs = Number(nowNs - usedNs);
    if (operator === "<" ? ageNs < limitNs : ageNs > limitNs) {
      targets.push({ type: "snapshot", key: `${snapshotter}/${name}` });
    }
  }
  return targets;
}
