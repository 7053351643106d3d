// Content: blobs by digest, and ingests, the unfinished writes that become blobs. A blob's bytes are shared by all namespaces;
// that it exists, and its labels, each namespace knows for itself.
// @source containerd core/content/content.go, core/metadata/content.go
import type { RequestContext } from "./context.js";
import type { Labels } from "./labels.js";

export interface ContentInfo {
  /** `<algorithm>:<hex>`, immutable. */
  readonly digest: string;
  readonly sizeBytes: number;
  readonly createdAtNs: bigint;
  readonly updatedAtNs: bigint;
  /** Mutable. Those beginning with `containerd.io/gc.` tell the collector what must live. */
  readonly labels: Labels;
}

/** How far an ingest is. */
export interface IngestStatus {
  /** The caller's name for it, unique in its namespace. */
  readonly ref: string;
  readonly offsetBytes: number;
  /** 0 while unknown. */
  readonly totalBytes: number;
  readonly startedAtNs: bigint;
  readonly updatedAtNs: bigint;
}

export interface ReadOptions {
  /** Default: 0. */
  readonly offsetBytes?: number;
  /** Default, and when beyond the end: all that follow. */
  readonly sizeBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface WriterOptions {
  readonly ref: string;
  /** Size of the whole; 0 or absent when unknown. */
  readonly totalBytes?: number;
  /** Digest of the whole, when known. */
  readonly expected?: string;
}

export interface CommitOptions {
  /** Refused unless so many bytes were written. 0 or absent: what the writer was opened with; 0 there too: not checked. */
  readonly sizeBytes?: number;
  /** Refused unless the bytes have this digest. "" or absent: what the writer was opened with, if anything. */
  readonly expected?: string;
  readonly labels?: Labels;
}

/** An ingest opened for writing, by one writer at a time. Disposing closes it; unless committed, the ingest stays and can be resumed. */
export interface ContentWriter extends AsyncDisposable {
  readonly ref: string;
  /** Bytes that are there. */
  readonly offsetBytes: number;
  /** Digest of the bytes so far. */
  digest(): string;
  status(): IngestStatus;
  /** Appends, one call at a time. The bytes must not change until it resolves. */
  write(data: Uint8Array): Promise<void>;
  /** Begins again with nothing. */
  reset(): Promise<void>;
  /**
   * Makes the blob, on disk when this resolves, and ends the ingest.
   * @returns the digest.
   * @throws already_exists (the ingest is gone then); failed_precondition for another size or digest (the ingest stays, to be
   * opened again).
   */
  commit(options?: CommitOptions): Promise<string>;
}

/** What readers of content need. */
export interface ContentReader {
  /** @throws invalid_argument for a malformed digest, not_found. */
  info(ctx: RequestContext, digest: string): Promise<ContentInfo>;
  /** The bytes, in chunks of up to 1 MiB. @throws not_found, out_of_range for an offset beyond the end. */
  read(ctx: RequestContext, digest: string, options?: ReadOptions): AsyncIterable<Uint8Array>;
}

export interface ContentStore extends ContentReader {
  /** By digest, in pages. Filter fields: digest, labels.<key>. @throws invalid_argument for a bad filter. */
  list(ctx: RequestContext, filters?: readonly string[]): AsyncIterable<readonly ContentInfo[]>;
  /** Paths: `labels`, `labels.<key>`; without any, all labels are replaced. @throws not_found, invalid_argument. */
  update(
    ctx: RequestContext,
    info: { readonly digest: string; readonly labels: Labels },
    paths?: readonly string[],
  ): Promise<ContentInfo>;
  /** Forgets the blob; the collector frees its bytes. @throws not_found. */
  delete(ctx: RequestContext, digest: string): Promise<void>;
  /** @throws not_found. */
  status(ctx: RequestContext, ref: string): Promise<IngestStatus>;
  /** Filter field: ref. */
  listStatuses(ctx: RequestContext, filters?: readonly string[]): Promise<IngestStatus[]>;
  /** Drops an ingest and its bytes. @throws not_found. */
  abort(ctx: RequestContext, ref: string): Promise<void>;
  /**
   * Opens an ingest, or goes on with one.
   * @throws already_exists when `expected` is a blob here already, unavailable while somebody else writes under this ref.
   */
  openWriter(ctx: RequestContext, options: WriterOptions): Promise<ContentWriter>;
}
