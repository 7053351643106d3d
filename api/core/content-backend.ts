// Where the bytes of content lie: what the metadata room needs of it. One backend serves all namespaces; it knows digests and
// its own refs, and nothing of labels or leases.
// @source containerd plugins/content/local (the layout on disk)
import type { CommitOptions, ReadOptions } from "./content.js";
import type { DigestAlgorithm } from "./digest.js";

export interface BackendIngest {
  readonly ref: string;
  readonly offsetBytes: number;
  readonly totalBytes: number;
  readonly startedAtNs: bigint;
  readonly updatedAtNs: bigint;
}

/** An open ingest of the backend. Its exclusiveness is the caller's business. */
export interface BackendWriter extends AsyncDisposable {
  readonly offsetBytes: number;
  digest(): string;
  status(): BackendIngest;
  /** Appends, one call at a time. After a failure the writer is of no more use; the ingest is, when opened again. */
  write(data: Uint8Array): Promise<void>;
  reset(): Promise<void>;
  /**
   * Makes the blob from the bytes: synced file, renamed, synced folder. A blob that is there already is kept.
   * @returns digest and size. @throws failed_precondition for another size or digest; the ingest stays then, and the writer open.
   */
  commit(options: Pick<CommitOptions, "sizeBytes" | "expected">): Promise<{ digest: string; sizeBytes: number }>;
}

export interface IngestOptions {
  /** Known size of the whole. An ingest with another known one begins again. */
  readonly totalBytes?: number;
  /** Of the running digest; a commit can ask for another one, which costs reading the bytes again. Default: sha256. */
  readonly algorithm?: DigestAlgorithm;
}

export interface ContentBackend {
  /** Size in bytes; undefined when there is no such blob. */
  size(digest: string): Promise<number | undefined>;
  /** @throws not_found, out_of_range. */
  read(digest: string, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Path of the blob's file, for readers in this process that want to read it themselves. */
  path(digest: string): string;
  /** Opens an ingest, made when missing. */
  openIngest(ref: string, options?: IngestOptions): Promise<BackendWriter>;
  /** undefined when there is no such ingest. */
  ingest(ref: string): Promise<BackendIngest | undefined>;
  /** Drops it. @returns false when there is none. */
  abort(ref: string): Promise<boolean>;
  /** Frees a blob. @returns its size in bytes; undefined when there was none. */
  remove(digest: string): Promise<number | undefined>;
  /** Digests of all blobs, in no order. */
  blobs(): AsyncIterable<string>;
  /** Half-made ones, left by a crash, are freed by the way: to be called while nobody opens one. */
  ingests(): AsyncIterable<BackendIngest>;
}
