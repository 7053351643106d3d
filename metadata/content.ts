// The content store: what each namespace knows of blobs and ingests, over a backend that keeps their bytes once for all of them.
// Bytes are on disk before the row that vouches for them, and go after the last such row has gone.
// @source containerd core/metadata/content.go, plugins/services/content/contentserver
import type { ContentInfo, ContentStore, IngestStatus, WriterOptions } from "../api/core/content.js";
import type { ContentBackend } from "../api/core/content-backend.js";
import { type RequestContext, requireNamespace } from "../api/core/context.js";
import { digestProblem } from "../api/core/digest.js";
import { alreadyExists, ContainerdError, invalidArgument, notFound, wrapError } from "../api/core/errors.js";
import { quote } from "../api/core/quote.js";
import { type Clock, systemClock } from "../api/core/time.js";
import { BackendLock } from "./backend-lock.js";
import { contentDeleted } from "./change-events.js";
import { auditContent, type ContentAudit } from "./content-audit.js";
import { type ContentCleanup, cleanUpContent } from "./content-cleanup.js";
import { contentPages, refMatcher } from "./content-filter.js";
import {
  backendRef,
  deleteContent,
  deleteIngest,
  type IngestRow,
  putIngest,
  readInfo,
  readIngest,
  readIngests,
  updateContent,
} from "./content-rows.js";
import { type ContentSharing, shareableSize } from "./content-sharing.js";
import { algorithmFor, LocalContentWriter } from "./content-writer.js";
import type { Database } from "./db.js";
import { updatedLabels } from "./label-mask.js";
import { addToLease, removeFromLease } from "./lease-header.js";
import { RefLocks } from "./ref-locks.js";
import type { Transaction } from "./transaction.js";

const INGEST_LIFE_NS = 24n * 3_600_000_000_000n;
/** containerd's limit, which is its database's. */
const MAX_REF_BYTES = 32_768;

export interface ContentStoreDeps {
  readonly db: Database;
  readonly backend: ContentBackend;
  /** Default: `shared`. */
  readonly sharing?: ContentSharing | undefined;
  readonly clock?: Clock | undefined;
}

/** The store in this process, with what the collector needs of it. */
export interface LocalContentStore extends ContentStore {
  /** Frees the bytes that no record names, while nothing else is at work. */
  cleanup(): Promise<ContentCleanup>;
  /** Compares records and files; changes nothing. */
  audit(): Promise<ContentAudit>;
}

/** @throws invalid_argument in the words that `Info` and `Update` have for it. */
function requireDigest(digest: string): void {
  if (digestProblem(digest) !== undefined) {
    throw new ContainerdError("invalid_argument", `${quote(digest)} failed validation`);
  }
}

/** In the words that opening a writer has for it. */
function leaseContent(tx: Transaction, ctx: RequestContext, namespace: string, digest: string): void {
  try {
    addToLease(tx, ctx, namespace, { type: "content", id: digest });
  } catch (error) {
    throw wrapError("unable to lease content", error);
  }
}

const missingContent = (digest: string): ContainerdError => notFound(`content digest ${digest}`);

/** The content store of a database. */
export function createContentStore(deps: ContentStoreDeps): LocalContentStore {
  const { db, backend, sharing = "shared", clock = systemClock } = deps;
  const lock = new BackendLock();
  const locks = new RefLocks(clock);

  function infoOf(namespace: string, digest: string): ContentInfo {
    const info = db.view((reader) => readInfo(reader, namespace, digest));
    if (info === undefined) throw missingContent(digest);
    return info;
  }

  async function statusOf(row: IngestRow): Promise<IngestStatus | undefined> {
    const ingest = await backend.ingest(backendRef(row));
    return ingest && { ...ingest, ref: row.ref };
  }

  /** Within a transaction: the record of an ingest to write to; undefined, and held by the lease, when the blob is here. */
  function openIngest(tx: Transaction, ctx: RequestContext, namespace: string, options: WriterOptions, size?: number) {
    const { ref, totalBytes = 0, expected = "" } = options;
    if (expected !== "" && readInfo(tx, namespace, expected) !== undefined) {
      leaseContent(tx, ctx, namespace, expected);
      return undefined;
    }
    const isLeased = addToLease(tx, ctx, namespace, { type: "ingests", id: ref });
    const sharedBytes = size === undefined ? undefined : shareableSize(tx, sharing, expected);
    const isShared = sharedBytes !== undefined && sharedBytes === size && (totalBytes === 0 || totalBytes === size);
    const expiresAtNs = isLeased ? undefined : tx.nowNs + INGEST_LIFE_NS;
    const row = putIngest(tx, namespace, ref, isShared ? expected : "", expiresAtNs);
    return { row, openedAtNs: tx.nowNs, adopted: isShared ? { digest: expected, sizeBytes: size } : undefined };
  }

  async function openWriter(ctx: RequestContext, namespace: string, options: WriterOptions) {
    const { ref, totalBytes = 0, expected = "" } = options;
    let release = (): void => {};
    try {
      const size = digestProblem(expected) === undefined ? await backend.size(expected) : undefined;
      const opened = await db.update((tx) => {
        const result = openIngest(tx, ctx, namespace, options, size);
        if (result !== undefined) release = locks.take(`${namespace}/${ref}`, backendRef(result.row));
        return result;
      });
      if (opened === undefined) throw alreadyExists(`content ${expected}`);
      const { row, adopted, openedAtNs } = opened;
      const algorithm = algorithmFor(options);
      const source = adopted ?? (await backend.openIngest(backendRef(row), { totalBytes, algorithm }));
      return new LocalContentWriter({ db, backend, lock, ctx, row, options, openedAtNs, source, release });
    } catch (error) {
      release();
      throw error;
    }
  }

  return {
    async info(ctx, digest) {
      requireDigest(digest);
      return infoOf(requireNamespace(ctx), digest);
    },

    async *read(ctx, digest, options) {
      const problem = digestProblem(digest);
      if (problem !== undefined) throw new ContainerdError("invalid_argument", `${digest}: ${problem}`);
      infoOf(requireNamespace(ctx), digest);
      yield* backend.read(digest, { signal: ctx.signal, ...options });
    },

    async *list(ctx, filters = []) {
      yield* contentPages(db, requireNamespace(ctx), filters, ctx.signal);
    },

    async update(ctx, { digest, labels: sent }, paths = []) {
      requireDigest(digest);
      const namespace = requireNamespace(ctx);
      return await lock.shared(() =>
        db.update((tx) => {
          const info = readInfo(tx, namespace, digest);
          if (info === undefined) throw missingContent(digest);
          const labels = updatedLabels(info.labels, sent, paths, `content info ${quote(digest)}`);
          updateContent(tx, namespace, digest, labels);
          return { ...info, labels, updatedAtNs: tx.nowNs };
        }),
      );
    },

    async delete(ctx, digest) {
      const problem = digestProblem(digest);
      if (problem !== undefined) throw new ContainerdError("invalid_argument", problem);
      const namespace = requireNamespace(ctx);
      const remove = (tx: Transaction): void => {
        if (!deleteContent(tx, namespace, digest)) throw missingContent(digest);
        removeFromLease(tx, ctx, namespace, { type: "content", id: digest });
        tx.noteGarbage("content");
        tx.publish(namespace, "/content/delete", contentDeleted(digest));
      };
      await lock.shared(() => db.update(remove, { evenWhenFull: true }));
    },

    async status(ctx, ref) {
      const namespace = requireNamespace(ctx);
      const row = db.view((reader) => readIngest(reader, namespace, ref));
      const status = row && (await statusOf(row));
      if (status === undefined) throw notFound(`could not get status for ref ${quote(ref)}: reference ${ref}`);
      return status;
    },

    async listStatuses(ctx, filters = []) {
      const namespace = requireNamespace(ctx);
      const matches = refMatcher(filters);
      const rows = db.view((reader) => readIngests(reader, namespace)).filter(({ ref }) => matches(ref));
      return (await Promise.all(rows.map(statusOf))).filter((status) => status !== undefined);
    },

    async abort(ctx, ref) {
      const namespace = requireNamespace(ctx);
      const remove = (tx: Transaction): IngestRow => {
        const row = readIngest(tx, namespace, ref);
        if (row === undefined || !deleteIngest(tx, row)) throw notFound(`reference ${ref}`);
        removeFromLease(tx, ctx, namespace, { type: "ingests", id: ref });
        return row;
      };
      await lock.shared(async () => {
        await backend.abort(backendRef(await db.update(remove, { evenWhenFull: true })));
      });
    },

    async openWriter(ctx, options) {
      const { ref } = options;
      if (ref === "") throw invalidArgument("ref must not be empty");
      if (Buffer.byteLength(ref) > MAX_REF_BYTES) throw invalidArgument(`ref must be at most ${MAX_REF_BYTES} bytes`);
      const namespace = requireNamespace(ctx);
      return await lock.shared(() => openWriter(ctx, namespace, options));
    },

    cleanup: () => cleanUpContent({ db, backend, lock }),
    audit: () => auditContent({ db, backend, lock }),
  };
}
