// All that one namespace has, and what holds what: read in one piece, walked by mark and by explanations.
// @source containerd core/metadata/gc.go
import type { CollectorNode } from "../../api/core/collector.js";
import type { Reader } from "../statements.js";
import { hasExpired } from "./expiry.js";
import { conditionTargets, EXPIRE_LABEL, FLAT_LABEL, labelEdge, ROOT_LABEL, USED_AT_LABEL } from "./label-edges.js";

type NodeType = CollectorNode["type"];

export interface Edge {
  readonly to: string;
  /** For people: `target`, `parent`, `label containerd.io/gc.ref.…`. */
  readonly by: string;
  /** Not followed from something that a flat lease holds. */
  readonly isLabel: boolean;
  /** What it leads to is held flat. */
  readonly isFlat: boolean;
}

export interface GraphNode extends CollectorNode {
  readonly id: string;
  readonly edges: Edge[];
  /** Why it lives by itself; undefined when it does not. */
  root: string | undefined;
  /** Why it may go although it was a root once. */
  expired: string | undefined;
}

type LabelTable = "content_labels" | "snapshot_labels" | "image_labels" | "container_labels" | "lease_labels";

const OWNER: Readonly<Record<LabelTable, { readonly type: NodeType; readonly key: string }>> = {
  content_labels: { type: "content", key: "digest" },
  snapshot_labels: { type: "snapshot", key: "snapshotter || '/' || name" },
  image_labels: { type: "image", key: "name" },
  container_labels: { type: "container", key: "id" },
  lease_labels: { type: "lease", key: "lease" },
};

const labelsSql = (table: LabelTable): string =>
  `SELECT ${OWNER[table].key} AS owner, key, value FROM ${table}
    WHERE namespace = ? AND key >= 'containerd.io/gc.' AND key < 'containerd.io/gc/'`;

const CONTAINERS = `SELECT id AS key, snapshotter, snapshot_key AS snapshotKey FROM containers
  WHERE namespace = ? AND snapshotter <> ''`;
const HAS_CONTAINER = "SELECT 1 FROM containers WHERE namespace = ? AND id = ?";
const IMAGES = "SELECT name AS key, target_digest AS digest FROM images WHERE namespace = ?";
const CONTENT = "SELECT digest AS key FROM content WHERE namespace = ?";
const SNAPSHOTS = "SELECT snapshotter, name, parent FROM snapshots WHERE namespace = ?";
const INGESTS = `SELECT ref AS key, expected, expire_seconds AS seconds, expire_nanos AS nanos
  FROM ingests WHERE namespace = ?`;
const LEASES = "SELECT id AS key FROM leases WHERE namespace = ?";
const RESOURCES = "SELECT lease, type, id FROM lease_resources WHERE namespace = ?";

interface LabelRow {
  readonly owner: string;
  readonly key: string;
  readonly value: string;
}

export const nodeId = (type: NodeType, key: string): string => `${type}\0${key}`;

/** What a lease's resource is called here; undefined for a type unknown to the collector. */
function resourceId(type: string, id: string): string | undefined {
  switch (type) {
    case "content":
      return nodeId("content", id);
    case "images":
      return nodeId("image", id);
    case "ingests":
      return nodeId("ingest", id);
    default:
      return type.startsWith("snapshots/") ? nodeId("snapshot", `${type.slice("snapshots/".length)}/${id}`) : undefined;
  }
}

/** The graph of one namespace. References to what is not there are edges to nowhere. */
export class NamespaceGraph {
  readonly nodes = new Map<string, GraphNode>();
  readonly #namespace: string;
  readonly #nowNs: bigint;
  /** The labels that may matter, by the id of their owner. */
  readonly #labels = new Map<string, Map<string, string>>();
  readonly #labelledContainers = new Set<string>();

  constructor(reader: Reader, namespace: string, nowNs: bigint) {
    this.#namespace = namespace;
    this.#nowNs = nowNs;
    for (const table of Object.keys(OWNER) as LabelTable[]) this.#readLabels(reader, table);
    this.#readContainers(reader);
    this.#readImages(reader);
    this.#readContent(reader);
    this.#readSnapshots(reader);
    this.#readIngests(reader);
    this.#readLeases(reader);
    for (const node of [...this.nodes.values()]) this.#addLabelEdges(reader, node);
  }

  #readLabels(reader: Reader, table: LabelTable): void {
    const { type } = OWNER[table];
    for (const { owner, key, value } of reader.all<LabelRow>(labelsSql(table), this.#namespace)) {
      const id = nodeId(type, owner);
      if (type === "container") this.#labelledContainers.add(owner);
      const labels = this.#labels.get(id);
      if (labels === undefined) this.#labels.set(id, new Map([[key, value]]));
      else labels.set(key, value);
    }
  }

  #label(id: string, key: string): string | undefined {
    return this.#labels.get(id)?.get(key);
  }

  #add(type: NodeType, key: string): GraphNode {
    const id = nodeId(type, key);
    const node: GraphNode = {
      id,
      type,
      namespace: this.#namespace,
      key,
      edges: [],
      root: undefined,
      expired: undefined,
    };
    this.nodes.set(id, node);
    return node;
  }

  /** Those that hold something: of thousands of containers most may hold nothing. */
  #readContainers(reader: Reader): void {
    interface Row {
      readonly key: string;
      readonly snapshotter: string;
      readonly snapshotKey: string;
    }
    for (const { key, snapshotter, snapshotKey } of reader.all<Row>(CONTAINERS, this.#namespace)) {
      link(this.#container(key), nodeId("snapshot", `${snapshotter}/${snapshotKey}`), "snapshot of container");
    }
    for (const key of this.#labelledContainers) this.#container(key);
  }

  #container(key: string): GraphNode {
    const known = this.nodes.get(nodeId("container", key));
    if (known !== undefined) return known;
    const node = this.#add("container", key);
    node.root = "containers stay until they are deleted";
    return node;
  }

  /** What a label names, if it is there. */
  #target(reader: Reader, { type, key }: Pick<CollectorNode, "type" | "key">): GraphNode | undefined {
    const known = this.nodes.get(nodeId(type, key));
    if (known !== undefined || type !== "container") return known;
    return reader.get(HAS_CONTAINER, this.#namespace, key) === undefined ? undefined : this.#container(key);
  }

  #readImages(reader: Reader): void {
    for (const { key, digest } of reader.all<{ key: string; digest: string }>(IMAGES, this.#namespace)) {
      const node = this.#add("image", key);
      const expire = this.#label(node.id, EXPIRE_LABEL);
      if (hasExpired(expire, this.#nowNs)) node.expired = `expired ${expire}`;
      else node.root = "images stay until they are deleted";
      link(node, nodeId("content", digest), "target of image");
    }
  }

  #readContent(reader: Reader): void {
    for (const { key } of reader.all<{ key: string }>(CONTENT, this.#namespace)) this.#rootByLabel("content", key);
  }

  #readSnapshots(reader: Reader): void {
    interface Row {
      readonly snapshotter: string;
      readonly name: string;
      readonly parent: string;
    }
    for (const { snapshotter, name, parent } of reader.all<Row>(SNAPSHOTS, this.#namespace)) {
      const node = this.#rootByLabel("snapshot", `${snapshotter}/${name}`);
      if (parent !== "") link(node, nodeId("snapshot", `${snapshotter}/${parent}`), "parent of snapshot");
    }
  }

  /** Any key that begins like the root label counts, as containerd 2 has it. */
  #rootByLabel(type: NodeType, key: string): GraphNode {
    const node = this.#add(type, key);
    const label = [...(this.#labels.get(node.id)?.keys() ?? [])].find((name) => name.startsWith(ROOT_LABEL));
    if (label !== undefined) node.root = `label ${label}`;
    return node;
  }

  #readIngests(reader: Reader): void {
    interface Row {
      readonly key: string;
      readonly expected: string;
      readonly seconds: number | null;
      readonly nanos: number | null;
    }
    for (const { key, expected, seconds, nanos } of reader.all<Row>(INGESTS, this.#namespace)) {
      const node = this.#add("ingest", key);
      if (seconds !== null) {
        const expireNs = BigInt(seconds) * 1_000_000_000n + BigInt(nanos ?? 0);
        if (expireNs >= this.#nowNs) node.root = "ingests without a lease stay for a day";
        else node.expired = "a day old, and no lease holds it";
      }
      if (expected !== "")
        link(node, nodeId("content", expected), "blob of another namespace that the ingest stands for");
    }
  }

  #readLeases(reader: Reader): void {
    for (const { key } of reader.all<{ key: string }>(LEASES, this.#namespace)) {
      const node = this.#add("lease", key);
      const expire = this.#label(node.id, EXPIRE_LABEL);
      if (hasExpired(expire, this.#nowNs)) node.expired = `expired ${expire}`;
      else node.root = "leases stay until they are deleted or expire";
    }
    for (const { lease, type, id } of reader.all<{ lease: string; type: string; id: string }>(
      RESOURCES,
      this.#namespace,
    )) {
      const node = this.nodes.get(nodeId("lease", lease));
      const to = resourceId(type, id);
      if (node === undefined || to === undefined) continue;
      const isFlat = this.#label(node.id, FLAT_LABEL) !== undefined;
      node.edges.push({ to, by: isFlat ? "resource of flat lease" : "resource of lease", isLabel: false, isFlat });
    }
  }

  #addLabelEdges(reader: Reader, node: GraphNode): void {
    if (node.type === "lease" || node.type === "ingest") return;
    for (const [key, value] of this.#labels.get(node.id) ?? []) {
      const by = `label ${key}`;
      const edge = labelEdge(key, value);
      if (edge?.direction === "holds") node.edges.push(byLabel(nodeId(edge.target.type, edge.target.key), by));
      // Held by the other: an edge of the other's. Roots need nobody to hold them.
      if (edge?.direction === "by" && node.root === undefined) {
        this.#target(reader, edge.target)?.edges.push(byLabel(node.id, `${by} on it`));
      }
      if (node.type !== "image" && node.type !== "content") continue;
      const usedAt = (snapshot: string) => this.#label(nodeId("snapshot", snapshot), USED_AT_LABEL);
      for (const held of conditionTargets(key, value, usedAt, this.#nowNs)) {
        node.edges.push(byLabel(nodeId(held.type, held.key), by));
      }
    }
  }
}

const byLabel = (to: string, by: string): Edge => ({ to, by, isLabel: true, isFlat: false });

function link(node: GraphNode, to: string, by: string): void {
  node.edges.push({ to, by, isLabel: false, isFlat: false });
}
