// Where the bytes of content lie: what the metadata room needs of it. One backend serves all namespaces; it knows digests and
// its own refs, and nothing of labels or leases.
// @source containerd plugins/content/local (the layout on disk)
import type { CommitOptions, ReadOptions } from "./content.js";

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
  write(data: Uint8Array): Promise<void>;
  reset(): Promise<void>;
  /**
   * Makes the blob from the bytes: synced file, renamed, synced folder. A blob that is there already is kept.
   * @returns digest and size. @throws failed_precondition for another size or digest; the ingest stays then.
   */
  commit(options: Pick<CommitOptions, "sizeBytes" | "expected">): Promise<{ digest: string; sizeBytes: number }>;
}

export interface ContentBackend {
  /** Size in bytes; undefined when there is no such blob. */
  size(digest: string): Promise<number | undefined>;
  /** @throws not_found, out_of_range. */
  read(digest: string, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Path of the blob's file, for readers in this process that want to read it themselves. */
  path(digest: string): string;
  /** Opens an ingest, made when missing; one with another total than `totalBytes` (when both are known) begins again. */
  openIngest(ref: string, options?: { readonly totalBytes?: number }): Promise<BackendWriter>;
  /** undefined when there is no such ingest. */
  ingest(ref: string): Promise<BackendIngest | undefined>;
  /** Drops it. @returns false when there is none. */
  abort(ref: string): Promise<boolean>;
  /** Frees a blob. @returns its size in bytes; undefined when there was none. */
  remove(digest: string): Promise<number | undefined>;
  blobs(): AsyncIterable<string>;
  ingests(): AsyncIterable<BackendIngest>;
}
