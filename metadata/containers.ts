// The store of container records. A row keeps the encoded message, which replies carry as it is, beside the columns that
// queries and people read. Every change writes its event in the same transaction.
// @source containerd core/metadata/containers.go
import type { Container, ContainerStore, ContainerUpdate, NewContainer } from "../api/core/container.js";
import { decodeContainer, encodeContainer } from "../api/core/container-message.js";
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import { alreadyExists, ContainerdError, notFound, wrapError } from "../api/core/errors.js";
import { storedLabels } from "../api/core/labels.js";
import { quote } from "../api/core/quote.js";
import { toTimestamp } from "../api/core/time.js";
import { containerCreated, containerDeleted, containerUpdated } from "./change-events.js";
import { containerPages } from "./container-query.js";
import type { Database } from "./db.js";
import { applyUpdate } from "./field-mask.js";
import type { Reader } from "./statements.js";
import type { Transaction } from "./transaction.js";
import { validateContainer } from "./validate-container.js";

const GET = "SELECT record FROM containers WHERE namespace = ? AND id = ?";
const EXISTS = "SELECT 1 FROM containers WHERE namespace = ? AND id = ?";
const INSERT = `INSERT INTO containers (namespace, id, image, runtime_name, snapshotter, snapshot_key, sandbox,
    created_seconds, created_nanos, updated_seconds, updated_nanos, revision, record)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const UPDATE = `UPDATE containers SET image = ?, snapshot_key = ?, updated_seconds = ?, updated_nanos = ?, revision = ?, record = ?
  WHERE namespace = ? AND id = ?`;
const DELETE = "DELETE FROM containers WHERE namespace = ? AND id = ?";
const DELETE_LABELS = "DELETE FROM container_labels WHERE namespace = ? AND id = ?";
const INSERT_LABEL = "INSERT INTO container_labels (namespace, id, key, value) VALUES (?, ?, ?, ?)";
const HELD = "SELECT 1 FROM namespaces WHERE name = ? AND held_containers = 1";
const SET_HELD = "UPDATE namespaces SET held_containers = 1 WHERE name = ? AND held_containers = 0";

/** The store in this process: what any store does, and the stored bytes for those who only pass them on. */
export interface LocalContainerStore extends ContainerStore {
  /** The encoded `containerd.services.containers.v1.Container`. @throws not_found. */
  getEncoded(ctx: RequestContext, id: string): Promise<Uint8Array>;
  /** Pages of encoded containers, by id; other work runs between pages. @throws invalid_argument for a bad filter. */
  streamEncoded(ctx: RequestContext, filters?: readonly string[]): AsyncIterable<readonly Uint8Array[]>;
}

function writeLabels(tx: Transaction, namespace: string, container: Container): void {
  for (const [key, value] of Object.entries(container.labels))
    tx.run(INSERT_LABEL, namespace, container.id, key, value);
}

/** containerd words it differently for a namespace that never held a container. */
function missing(reader: Reader, verb: "update" | "delete", namespace: string, id: string): ContainerdError {
  if (reader.get(HELD, namespace) === undefined) {
    return notFound(`cannot ${verb} container ${quote(id)} in namespace ${quote(namespace)}`);
  }
  return notFound(`container ${verb === "delete" ? id : quote(id)}`);
}

/** What will be stored, but for its times. @throws invalid_argument. */
function validRecord(request: NewContainer): Omit<Container, "createdAtNs" | "updatedAtNs"> {
  const candidate = {
    id: request.id,
    labels: request.labels ?? {},
    image: request.image ?? "",
    runtime: request.runtime ?? { name: "" },
    spec: request.spec,
    snapshotter: request.snapshotter ?? "",
    snapshotKey: request.snapshotKey ?? "",
    extensions: request.extensions ?? {},
    sandbox: request.sandbox ?? "",
  };
  try {
    validateContainer(candidate);
  } catch (error) {
    throw wrapError("create container failed validation", error);
  }
  return { ...candidate, spec: candidate.spec, labels: storedLabels(candidate.labels) };
}

/** The record after an update at `nowNs`. @throws invalid_argument. */
function updatedRecord(
  current: Container,
  request: ContainerUpdate,
  paths: readonly string[],
  nowNs: bigint,
): Container {
  const candidate = { ...current, ...applyUpdate(current, request, paths) };
  try {
    validateContainer(candidate);
  } catch (error) {
    throw wrapError("update failed validation", error);
  }
  return { ...candidate, spec: candidate.spec, labels: storedLabels(candidate.labels), updatedAtNs: nowNs };
}

function insertContainer(tx: Transaction, namespace: string, container: Container): void {
  const { seconds, nanos } = toTimestamp(container.createdAtNs);
  tx.touchNamespace(namespace);
  tx.run(SET_HELD, namespace);
  tx.run(
    INSERT,
    namespace,
    container.id,
    container.image,
    container.runtime.name,
    container.snapshotter,
    container.snapshotKey,
    container.sandbox,
    seconds,
    nanos,
    seconds,
    nanos,
    tx.revision,
    encodeContainer(container),
  );
  writeLabels(tx, namespace, container);
}

function replaceContainer(tx: Transaction, namespace: string, container: Container): void {
  const { seconds, nanos } = toTimestamp(container.updatedAtNs);
  tx.run(
    UPDATE,
    container.image,
    container.snapshotKey,
    seconds,
    nanos,
    tx.revision,
    encodeContainer(container),
    namespace,
    container.id,
  );
  tx.run(DELETE_LABELS, namespace, container.id);
  writeLabels(tx, namespace, container);
}

/** The container store of a database. */
export function createContainerStore(db: Database): LocalContainerStore {
  const readRecord = (reader: Reader, namespace: string, id: string): Uint8Array | undefined =>
    reader.get<{ record: Uint8Array }>(GET, namespace, id)?.record;

  async function getEncoded(ctx: RequestContext, id: string): Promise<Uint8Array> {
    const namespace = requireNamespace(ctx);
    const record = db.view((reader) => readRecord(reader, namespace, id));
    if (record === undefined) throw notFound(`container ${quote(id)} in namespace ${quote(namespace)}`);
    return record;
  }

  async function* streamEncoded(ctx: RequestContext, filters: readonly string[] = []) {
    yield* containerPages(db, requireNamespace(ctx), filters, ctx.signal);
  }

  async function* stream(ctx: RequestContext, filters: readonly string[] = []) {
    for await (const page of streamEncoded(ctx, filters)) {
      for (const record of page) yield decodeContainer(record);
    }
  }

  return {
    getEncoded,
    streamEncoded,
    stream,

    async get(ctx, id) {
      return decodeContainer(await getEncoded(ctx, id));
    },

    async list(ctx, filters = []) {
      const containers: Container[] = [];
      for await (const container of stream(ctx, filters)) containers.push(container);
      return containers;
    },

    async create(ctx, request) {
      const namespace = requireNamespace(ctx);
      const record = validRecord(request);
      return db.update((tx) => {
        const container = { ...record, createdAtNs: tx.nowNs, updatedAtNs: tx.nowNs };
        if (tx.get(EXISTS, namespace, container.id) !== undefined) {
          throw alreadyExists(`container ${quote(container.id)}`);
        }
        insertContainer(tx, namespace, container);
        tx.publish(namespace, "/containers/create", containerCreated(container));
        return container;
      });
    },

    async update(ctx, request, paths = []) {
      if (request.id === "") throw new ContainerdError("invalid_argument", "Container.ID required");
      const namespace = requireNamespace(ctx);
      return db.update((tx) => {
        const stored = readRecord(tx, namespace, request.id);
        if (stored === undefined) throw missing(tx, "update", namespace, request.id);
        const container = updatedRecord(decodeContainer(stored), request, paths, tx.nowNs);
        replaceContainer(tx, namespace, container);
        tx.publish(namespace, "/containers/update", containerUpdated(container));
        return container;
      });
    },

    async delete(ctx, id) {
      const namespace = requireNamespace(ctx);
      await db.update(
        (tx) => {
          if (tx.run(DELETE, namespace, id).changes === 0) throw missing(tx, "delete", namespace, id);
          tx.noteGarbage();
          tx.publish(namespace, "/containers/delete", containerDeleted(id));
        },
        { evenWhenFull: true },
      );
    },
  };
}
