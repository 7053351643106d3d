// The sweep phase: what was not marked goes, in one transaction, each removal with its event and its reason.
// @source containerd core/metadata/db.go (GarbageCollect)
import type { Removal } from "../../api/core/collector.js";
import { REMOVAL_TOPIC, removalCodec } from "../../api/core/collector.js";
import { imageDeleted, snapshotRemoved } from "../change-events.js";
import type { Reader } from "../statements.js";
import type { Transaction } from "../transaction.js";
import { type GraphNode, NamespaceGraph } from "./graph.js";
import { mark } from "./mark.js";

/** Those that have anything to take away; containers alone, however many, make no work. */
const NAMESPACES = `SELECT name FROM namespaces AS n
  WHERE EXISTS (SELECT 1 FROM leases WHERE namespace = n.name)
    OR EXISTS (SELECT 1 FROM images WHERE namespace = n.name)
    OR EXISTS (SELECT 1 FROM ingests WHERE namespace = n.name)
    OR EXISTS (SELECT 1 FROM content WHERE namespace = n.name)
    OR EXISTS (SELECT 1 FROM snapshots WHERE namespace = n.name)
  ORDER BY name`;

/** What is not scanned is not in here: containers stay. */
const DELETE: Readonly<Record<"lease" | "image" | "ingest" | "content", string>> = {
  lease: "DELETE FROM leases WHERE namespace = ? AND id = ?",
  image: "DELETE FROM images WHERE namespace = ? AND name = ?",
  ingest: "DELETE FROM ingests WHERE namespace = ? AND ref = ?",
  content: "DELETE FROM content WHERE namespace = ? AND digest = ?",
};
const DELETE_SNAPSHOT = "DELETE FROM snapshots WHERE namespace = ? AND snapshotter = ? AND name = ?";

const toRemoval = ({ type, namespace, key, expired }: GraphNode): Removal => ({
  type,
  namespace,
  key,
  reason: expired ?? "no image, container, lease or label holds it",
});

/** What a run at `nowNs` removes, of all namespaces. */
export function findGarbage(reader: Reader, nowNs: bigint): Removal[] {
  const garbage: Removal[] = [];
  for (const { name } of reader.all<{ name: string }>(NAMESPACES)) {
    const graph = new NamespaceGraph(reader, name, nowNs);
    const marked = mark(graph);
    for (const node of graph.nodes.values()) if (!marked.has(node.id)) garbage.push(toRemoval(node));
  }
  return garbage;
}

/** A snapshot's key is `<snapshotter>/<name>`, and the name may hold slashes. */
function splitSnapshot(key: string): readonly [snapshotter: string, name: string] {
  const slash = key.indexOf("/");
  return [key.slice(0, slash), key.slice(slash + 1)];
}

function removeOne(tx: Transaction, { type, namespace, key }: Removal): void {
  switch (type) {
    case "container":
      return;
    case "snapshot": {
      const [snapshotter, name] = splitSnapshot(key);
      tx.run(DELETE_SNAPSHOT, namespace, snapshotter, name);
      tx.noteGarbage(`snapshots/${snapshotter}`);
      tx.publish(namespace, "/snapshot/remove", snapshotRemoved(snapshotter, name));
      return;
    }
    case "image":
      tx.run(DELETE.image, namespace, key);
      tx.publish(namespace, "/images/delete", imageDeleted(key));
      return;
    case "content":
    case "ingest":
      tx.run(DELETE[type], namespace, key);
      tx.noteGarbage("content");
      return;
    case "lease":
      tx.run(DELETE.lease, namespace, key);
  }
}

/** Marks and sweeps in one transaction, so that nobody can come between. */
export function sweep(tx: Transaction): Removal[] {
  const garbage = findGarbage(tx, tx.nowNs);
  for (const removal of garbage) {
    removeOne(tx, removal);
    tx.publish(removal.namespace, REMOVAL_TOPIC, removalCodec.encode(removal));
  }
  return garbage;
}
