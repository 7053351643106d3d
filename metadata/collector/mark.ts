// The mark phase: everything that can be reached from a root. What only a flat lease holds is reached flat: its labels do not
// count. Reached both ways, it counts as reached.
// @source containerd gc/gc.go, core/metadata/gc.go
import type { NamespaceGraph } from "./graph.js";

/** The ids of what must stay. */
export function mark(graph: NamespaceGraph): ReadonlySet<string> {
  const flat = new Set<string>();
  const whole = new Set<string>();
  const queue: { readonly id: string; readonly isFlat: boolean }[] = [];
  const reach = (id: string, isFlat: boolean): void => {
    if (!graph.nodes.has(id) || whole.has(id) || (isFlat && flat.has(id))) return;
    (isFlat ? flat : whole).add(id);
    queue.push({ id, isFlat });
  };
  for (const node of graph.nodes.values()) if (node.root !== undefined) reach(node.id, false);
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const edge of graph.nodes.get(next.id)?.edges ?? []) {
      if (next.isFlat && edge.isLabel) continue;
      reach(edge.to, next.isFlat || edge.isFlat);
    }
  }
  for (const id of flat) whole.add(id);
  return whole;
}
