// Why something lives: the chains from roots down to it.
import type { HoldingChain } from "../../api/core/collector.js";
import type { GraphNode, NamespaceGraph } from "./graph.js";

/** Layers of popular images are held in many ways; so many are enough to see why. */
const MAX_CHAINS = 100;
/** References may form any graph: looking for chains ends after so many steps. */
const MAX_STEPS = 100_000;

/** Everything from which `id` might be reached, itself included. */
function ancestorsOf(graph: NamespaceGraph, id: string): ReadonlySet<string> {
  const holders = new Map<string, string[]>();
  for (const node of graph.nodes.values()) {
    for (const { to } of node.edges) holders.set(to, [...(holders.get(to) ?? []), node.id]);
  }
  const found = new Set([id]);
  for (const next of found) for (const holder of holders.get(next) ?? []) found.add(holder);
  return found;
}

/**
 * The chains from each root to `subject`, without loops, up to a hundred. The first step says why the root is one, each further
 * step how it is held by the one before.
 */
export function chainsTo(graph: NamespaceGraph, subject: GraphNode): HoldingChain[] {
  const useful = ancestorsOf(graph, subject.id);
  const chains: HoldingChain[] = [];
  const path: { readonly node: GraphNode; readonly by: string }[] = [];
  let steps = 0;
  const descend = (node: GraphNode, by: string, isFlat: boolean): void => {
    steps += 1;
    if (chains.length >= MAX_CHAINS || steps > MAX_STEPS || path.some((step) => step.node === node)) return;
    path.push({ node, by });
    if (node === subject) {
      chains.push(path.map((step) => ({ node: bare(step.node), by: step.by })));
    } else {
      for (const edge of node.edges) {
        const next = useful.has(edge.to) ? graph.nodes.get(edge.to) : undefined;
        if (next !== undefined && !(isFlat && edge.isLabel)) descend(next, edge.by, isFlat || edge.isFlat);
      }
    }
    path.pop();
  };
  for (const node of graph.nodes.values()) {
    if (node.root !== undefined && useful.has(node.id)) descend(node, node.root, false);
  }
  return chains;
}

const bare = ({ type, namespace, key }: GraphNode) => ({ type, namespace, key });
