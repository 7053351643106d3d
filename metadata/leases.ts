// The store of leases and what they hold. Leases have no events; collecting what no lease holds is the collector's business.
// @source containerd core/metadata/leases.go
import { randomBytes } from "node:crypto";
import { requireNamespace } from "../api/core/context.js";
import { validateDigest } from "../api/core/digest.js";
import { alreadyExists, invalidArgument, notFound, notImplemented } from "../api/core/errors.js";
import { storedLabels } from "../api/core/labels.js";
import type { Lease, LeaseResource, LeaseStore } from "../api/core/lease.js";
import { quote } from "../api/core/quote.js";
import { toTimestamp } from "../api/core/time.js";
import type { Database } from "./db.js";
import { leaseMatcher } from "./lease-filter.js";
import type { Reader } from "./statements.js";

interface LeaseRow {
  readonly id: string;
  readonly seconds: number;
  readonly nanos: number;
}

const EXISTS = "SELECT 1 FROM leases WHERE namespace = ? AND id = ?";
const LIST =
  "SELECT id, created_seconds AS seconds, created_nanos AS nanos FROM leases WHERE namespace = ? ORDER BY id";
const LABELS = "SELECT lease, key, value FROM lease_labels WHERE namespace = ? ORDER BY lease, key";
const INSERT = "INSERT INTO leases (namespace, id, created_seconds, created_nanos, revision) VALUES (?, ?, ?, ?, ?)";
const INSERT_LABEL = "INSERT INTO lease_labels (namespace, lease, key, value) VALUES (?, ?, ?, ?)";
const DELETE = "DELETE FROM leases WHERE namespace = ? AND id = ?";
const SET_REVISION = "UPDATE leases SET revision = ? WHERE namespace = ? AND id = ?";
const ADD_RESOURCE =
  "INSERT INTO lease_resources (namespace, lease, type, id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
const DELETE_RESOURCE = "DELETE FROM lease_resources WHERE namespace = ? AND lease = ? AND type = ? AND id = ?";
/** The order of types is containerd's: content, images, ingests, snapshots by snapshotter. */
const RESOURCES = "SELECT type, id FROM lease_resources WHERE namespace = ? AND lease = ? ORDER BY type, id";

const ID_RANDOM_BYTES = 3;

/** A name for a lease without one, in containerd's form: nanoseconds of the second, and four characters of chance. */
function makeLeaseId(nowNs: bigint): string {
  return `${nowNs % 1_000_000_000n}-${randomBytes(ID_RANDOM_BYTES).toString("base64url")}`;
}

/** @throws invalid_argument, not_implemented for a type that no lease can hold. */
function validateResource({ id, type }: LeaseResource): void {
  const [kind = "", ...path] = type.split("/");
  switch (kind) {
    case "content":
    case "images":
    case "ingests":
      if (path.length > 0) throw invalidArgument(`invalid resource type ${type}`);
      break;
    case "snapshots":
      if (path.length !== 1 || path[0] === "") throw invalidArgument(`invalid snapshot resource type ${type}`);
      break;
    default:
      throw notImplemented(`resource type ${type} not supported yet`);
  }
  if (kind === "content") validateDigest(id, `invalid content resource id ${id}`);
  if (id === "") throw invalidArgument("lease resource id must not be empty");
}

function requireLease(reader: Reader, namespace: string, id: string): void {
  if (reader.get(EXISTS, namespace, id) === undefined) throw notFound(`lease ${quote(id)}`);
}

function readLeases(reader: Reader, namespace: string): Lease[] {
  const labels = new Map<string, [string, string][]>();
  for (const row of reader.all<{ lease: string; key: string; value: string }>(LABELS, namespace)) {
    const entries = labels.get(row.lease);
    if (entries === undefined) labels.set(row.lease, [[row.key, row.value]]);
    else entries.push([row.key, row.value]);
  }
  return reader.all<LeaseRow>(LIST, namespace).map(({ id, seconds, nanos }) => ({
    id,
    createdAtNs: BigInt(seconds) * 1_000_000_000n + BigInt(nanos),
    labels: Object.fromEntries(labels.get(id) ?? []),
  }));
}

/** What the lease store needs beside its tables. */
export interface LeaseStoreDeps {
  /** Resolves when a run of the collector that starts after this call is over. */
  readonly collect: (signal: AbortSignal | undefined) => Promise<unknown>;
}

/** The lease store of a database. */
export function createLeaseStore(db: Database, { collect }: LeaseStoreDeps): LeaseStore {
  return {
    async create(ctx, request) {
      const namespace = requireNamespace(ctx);
      const labels = storedLabels(request.labels ?? {});
      if (Object.hasOwn(labels, "")) throw invalidArgument("label key must not be empty");
      return db.update((tx) => {
        const id = request.id === undefined || request.id === "" ? makeLeaseId(tx.nowNs) : request.id;
        if (tx.get(EXISTS, namespace, id) !== undefined) throw alreadyExists(`lease ${quote(id)}`);
        const { seconds, nanos } = toTimestamp(tx.nowNs);
        tx.touchNamespace(namespace);
        tx.run(INSERT, namespace, id, seconds, nanos, tx.revision);
        for (const [key, value] of Object.entries(labels)) tx.run(INSERT_LABEL, namespace, id, key, value);
        return { id, createdAtNs: tx.nowNs, labels };
      });
    },

    async delete(ctx, id, { sync = false } = {}) {
      const namespace = requireNamespace(ctx);
      await db.update(
        (tx) => {
          if (tx.run(DELETE, namespace, id).changes === 0) throw notFound(`lease ${quote(id)}`);
          tx.noteGarbage();
        },
        { evenWhenFull: true },
      );
      if (sync) await collect(ctx.signal);
    },

    async list(ctx, filters = []) {
      const namespace = requireNamespace(ctx);
      const matches = leaseMatcher(filters);
      return db.view((reader) => readLeases(reader, namespace)).filter(matches);
    },

    async addResource(ctx, id, resource) {
      const namespace = requireNamespace(ctx);
      await db.update((tx) => {
        requireLease(tx, namespace, id);
        validateResource(resource);
        const { changes } = tx.run(ADD_RESOURCE, namespace, id, resource.type, resource.id);
        if (changes > 0) tx.run(SET_REVISION, tx.revision, namespace, id);
      });
    },

    async deleteResource(ctx, id, resource) {
      const namespace = requireNamespace(ctx);
      await db.update(
        (tx) => {
          requireLease(tx, namespace, id);
          validateResource(resource);
          const { changes } = tx.run(DELETE_RESOURCE, namespace, id, resource.type, resource.id);
          tx.noteGarbage();
          if (changes > 0) tx.run(SET_REVISION, tx.revision, namespace, id);
        },
        { evenWhenFull: true },
      );
    },

    async listResources(ctx, id) {
      const namespace = requireNamespace(ctx);
      return db.view((reader) => {
        requireLease(reader, namespace, id);
        return reader.all<LeaseResource>(RESOURCES, namespace, id);
      });
    },
  };
}
