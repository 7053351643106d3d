// The store of container records. A row keeps the encoded message, which replies carry as it is, beside the columns that
// queries and people read. Every change writes its event in the same transaction. Records used lately are kept in memory.
// @source containerd core/metadata/containers.go
import type { Container, ContainerStore, ContainerUpdate, NewContainer } from "../api/core/container.js";
import { decodeContainer } from "../api/core/container-message.js";
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import { alreadyExists, ContainerdError, notFound, wrapError } from "../api/core/errors.js";
import { storedLabels } from "../api/core/labels.js";
import { quote } from "../api/core/quote.js";
import { containerCreated, containerDeleted, containerUpdated } from "./change-events.js";
import { containerPages } from "./container-query.js";
import {
  deleteContainer,
  hasContainer,
  heldContainers,
  insertContainer,
  readRecord,
  replaceContainer,
} from "./container-rows.js";
import type { Database } from "./db.js";
import { applyUpdate } from "./field-mask.js";
import { RecordCache, recordKey } from "./record-cache.js";
import type { Reader } from "./statements.js";
import type { Transaction } from "./transaction.js";
import { validateContainer } from "./validate-container.js";

const CACHE_BYTES = 16 * 1024 * 1024;

/**
 * The store in this process: what any store does, and encoded `containerd.services.containers.v1.Container` messages for those who
 * only pass them on. Their bytes are shared: they must not be changed.
 */
export interface LocalContainerStore extends ContainerStore {
  /** @throws not_found. */
  getEncoded(ctx: RequestContext, id: string): Promise<Uint8Array>;
  /** @throws already_exists, invalid_argument. */
  createEncoded(ctx: RequestContext, container: NewContainer): Promise<Uint8Array>;
  /** Paths as for `update`. @throws not_found, invalid_argument. */
  updateEncoded(ctx: RequestContext, container: ContainerUpdate, paths?: readonly string[]): Promise<Uint8Array>;
  /**
   * Like `update`, with one path at least, since none would mean all; and the runtime, which is immutable to everybody else, becomes the one of `container` if
   * that has one. @throws not_found, invalid_argument.
   */
  updateWithRuntime(
    ctx: RequestContext,
    container: ContainerUpdate,
    paths: readonly [string, ...string[]],
  ): Promise<Container>;
  /** Pages of encoded containers, by id; other work runs between pages. @throws invalid_argument for a bad filter. */
  streamEncoded(ctx: RequestContext, filters?: readonly string[]): AsyncIterable<readonly Uint8Array[]>;
}

interface Written {
  readonly container: Container;
  readonly record: Uint8Array;
}

const unknown = (namespace: string, id: string): ContainerdError =>
  notFound(`container ${quote(id)} in namespace ${quote(namespace)}`);

/** containerd words it differently for a namespace that never held a container. */
function missing(reader: Reader, verb: "update" | "delete", namespace: string, id: string): ContainerdError {
  if (!heldContainers(reader, namespace)) {
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
  runtime: Container["runtime"] | undefined,
  nowNs: bigint,
): Container {
  const candidate = { ...current, ...applyUpdate(current, request, paths), ...(runtime && { runtime }) };
  try {
    validateContainer(candidate);
  } catch (error) {
    throw wrapError("update failed validation", error);
  }
  return { ...candidate, spec: candidate.spec, labels: storedLabels(candidate.labels), updatedAtNs: nowNs };
}

/** The container store of a database, the only one on it: changes that another makes would go unnoticed. */
export function createContainerStore(db: Database): LocalContainerStore {
  const cache = new RecordCache(CACHE_BYTES);

  function written(tx: Transaction, namespace: string, container: Container, record: Uint8Array): Written {
    tx.onCommit(() => cache.set(recordKey(namespace, container.id), record));
    return { container, record };
  }

  async function getEncoded(ctx: RequestContext, id: string): Promise<Uint8Array> {
    const namespace = requireNamespace(ctx);
    const key = recordKey(namespace, id);
    return db.view((reader) => {
      const known = cache.get(key);
      if (known !== undefined) return known;
      const record = readRecord(reader, namespace, id);
      if (record === undefined) throw unknown(namespace, id);
      cache.set(key, record);
      return record;
    });
  }

  async function create(ctx: RequestContext, request: NewContainer): Promise<Written> {
    const namespace = requireNamespace(ctx);
    const valid = validRecord(request);
    return db.update((tx) => {
      const container = { ...valid, createdAtNs: tx.nowNs, updatedAtNs: tx.nowNs };
      if (hasContainer(tx, namespace, container.id)) throw alreadyExists(`container ${quote(container.id)}`);
      const record = insertContainer(tx, namespace, container);
      tx.publish(namespace, "/containers/create", containerCreated(container));
      return written(tx, namespace, container, record);
    });
  }

  async function update(
    ctx: RequestContext,
    request: ContainerUpdate,
    paths: readonly string[] = [],
    runtime?: Container["runtime"],
  ): Promise<Written> {
    if (request.id === "") throw new ContainerdError("invalid_argument", "Container.ID required");
    const namespace = requireNamespace(ctx);
    return db.update((tx) => {
      const stored = readRecord(tx, namespace, request.id);
      if (stored === undefined) throw missing(tx, "update", namespace, request.id);
      const before = decodeContainer(stored);
      const after = updatedRecord(before, request, paths, runtime, tx.nowNs);
      const record = replaceContainer(tx, namespace, before, after);
      tx.publish(namespace, "/containers/update", containerUpdated(after));
      return written(tx, namespace, after, record);
    });
  }

  async function* streamEncoded(ctx: RequestContext, filters: readonly string[] = []) {
    yield* containerPages({ db, cache, namespace: requireNamespace(ctx), filters, signal: ctx.signal });
  }

  async function* stream(ctx: RequestContext, filters: readonly string[] = []) {
    for await (const page of streamEncoded(ctx, filters)) {
      for (const record of page) yield decodeContainer(record);
    }
  }

  return {
    getEncoded,
    createEncoded: async (ctx, request) => (await create(ctx, request)).record,
    updateEncoded: async (ctx, request, paths) => (await update(ctx, request, paths)).record,
    streamEncoded,
    stream,

    async get(ctx, id) {
      const namespace = requireNamespace(ctx);
      const record = db.view((reader) => readRecord(reader, namespace, id));
      if (record === undefined) throw unknown(namespace, id);
      return decodeContainer(record);
    },

    async list(ctx, filters = []) {
      const containers: Container[] = [];
      for await (const container of stream(ctx, filters)) containers.push(container);
      return containers;
    },

    create: async (ctx, request) => (await create(ctx, request)).container,
    update: async (ctx, request, paths) => (await update(ctx, request, paths)).container,
    updateWithRuntime: async (ctx, request, paths) => (await update(ctx, request, paths, request.runtime)).container,

    async delete(ctx, id) {
      const namespace = requireNamespace(ctx);
      await db.update(
        (tx) => {
          if (!deleteContainer(tx, namespace, id)) throw missing(tx, "delete", namespace, id);
          tx.noteGarbage();
          tx.publish(namespace, "/containers/delete", containerDeleted(id));
          tx.onCommit(() => cache.delete(recordKey(namespace, id)));
        },
        { evenWhenFull: true },
      );
    },
  };
}
