// Content: blobs by digest, and ingests, the unfinished writes that become blobs. A blob's bytes are shared by all namespaces;
// that it exists, and its labels, each namespace knows for itself.
// @source containerd core/content/content.go, core/metadata/content.go
import type { RequestContext } from "./context.js";
import type { Labels } from "./labels.js";

/** What a namespace knows of a blob. All of it is always set. */
export interface ContentInfo {
  /** `<algorithm>:<hex>`, immutable. */
  readonly digest: string;
  /** Immutable. */
  readonly sizeBytes: number;
  /** When this namespace got the blob, nanoseconds since 1970; immutable. */
  readonly createdAtNs: bigint;
  /** Set by the store when labels change, nanoseconds since 1970. */
  readonly updatedAtNs: bigint;
  /** Mutable. Those beginning with `containerd.io/gc.` tell the collector what must live. */
  readonly labels: Labels;
}

/** How far an ingest is. */
export interface IngestStatus {
  /** The caller's name for it, unique in its namespace. */
  readonly ref: string;
  /** Bytes written so far. */
  readonly offsetBytes: number;
  /** Size of the whole, as whoever opened it told; 0 while unknown. */
  readonly totalBytes: number;
  /** Nanoseconds since 1970, as is the next. */
  readonly startedAtNs: bigint;
  readonly updatedAtNs: bigint;
}

/** Which part of a blob to read. All optional. */
export interface ReadOptions {
  /** Default: 0. */
  readonly offsetBytes?: number;
  /** Default, and when beyond the end: all that follow. */
  readonly sizeBytes?: number;
  /** Ends the reading. Default: the signal of the context. */
  readonly signal?: AbortSignal | undefined;
}

/** What is to be written. */
export interface WriterOptions {
  /** Required, 1 to 32768 bytes: names the ingest, by which it is found again to be resumed. */
  readonly ref: string;
  /** Size of the whole; 0 or absent when unknown. */
  readonly totalBytes?: number;
  /** Digest of the whole, when known; its algorithm is then the blob's. Default: "", and `sha256`. */
  readonly expected?: string;
}

/** What a finished write must be, and what is said of it. All optional. */
export interface CommitOptions {
  /** Refused unless so many bytes were written. 0 or absent: what the writer was opened with; 0 there too: not checked. */
  readonly sizeBytes?: number;
  /** Refused unless the bytes have this digest. "" or absent: what the writer was opened with, if anything. */
  readonly expected?: string;
  /** Of the new blob; one that is there already keeps its own. Default: none. */
  readonly labels?: Labels;
}

/** An ingest opened for writing, by one writer at a time. Disposing closes it; unless committed, the ingest stays and can be resumed. */
export interface ContentWriter extends AsyncDisposable {
  readonly ref: string;
  /** Aborts, with the error, when it can write no more though nobody writes: the daemon has gone. Absent where that cannot be. */
  readonly lost?: AbortSignal;
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

/** The content of each namespace; every call is about the one in its context. @throws failed_precondition without one. */
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
  /** The ingests that are open or can be resumed. Filter field: ref. @throws invalid_argument for a bad filter. */
  listStatuses(ctx: RequestContext, filters?: readonly string[]): Promise<IngestStatus[]>;
  /** Drops an ingest and its bytes. @throws not_found. */
  abort(ctx: RequestContext, ref: string): Promise<void>;
  /**
   * Opens an ingest, or goes on with one: look at `offsetBytes` of the writer. The caller disposes the writer.
   * @throws already_exists when `expected` is a blob here already, unavailable while somebody else writes under this ref.
   */
  openWriter(ctx: RequestContext, options: WriterOptions): Promise<ContentWriter>;
}
