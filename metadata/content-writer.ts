// A writer of the local content store: an ingest of the backend, or one that stands for a blob of another namespace and gets an
// ingest of its own only when its bytes are to differ.
// @source containerd core/metadata/content.go (namespacedWriter)
import type { CommitOptions, ContentWriter, IngestStatus, WriterOptions } from "../api/core/content.js";
import type { BackendWriter, ContentBackend } from "../api/core/content-backend.js";
import type { RequestContext } from "../api/core/context.js";
import { type DigestAlgorithm, digestAlgorithm } from "../api/core/digest.js";
import { alreadyExists, failedPrecondition, notFound } from "../api/core/errors.js";
import type { Labels } from "../api/core/labels.js";
import { quote } from "../api/core/quote.js";
import type { BackendLock } from "./backend-lock.js";
import { contentCreated } from "./change-events.js";
import { backendRef, deleteIngest, type IngestRow, insertContent, readInfo, readIngest } from "./content-rows.js";
import type { Database } from "./db.js";
import { validInfoLabels } from "./label-mask.js";
import { addToLease, removeFromLease, requireLease } from "./lease-header.js";
import type { Transaction } from "./transaction.js";

/** A blob that another namespace has. */
export interface AdoptedBlob {
  readonly digest: string;
  readonly sizeBytes: number;
}

export interface LocalWriterParts {
  readonly db: Database;
  readonly backend: ContentBackend;
  readonly lock: BackendLock;
  readonly ctx: RequestContext;
  readonly row: IngestRow;
  readonly options: WriterOptions;
  readonly openedAtNs: bigint;
  /** Where the bytes come from: one of the two. */
  readonly source: BackendWriter | AdoptedBlob;
  /** Lets the ref go. */
  readonly release: () => void;
}

interface Blob {
  readonly digest: string;
  readonly sizeBytes: number;
}

export const algorithmFor = ({ expected = "" }: WriterOptions): DigestAlgorithm =>
  digestAlgorithm(expected) ?? "sha256";

export class LocalContentWriter implements ContentWriter {
  readonly #parts: LocalWriterParts;
  #source: BackendWriter | AdoptedBlob;
  #isDone = false;

  constructor(parts: LocalWriterParts) {
    this.#parts = parts;
    this.#source = parts.source;
  }

  get ref(): string {
    return this.#parts.row.ref;
  }

  get offsetBytes(): number {
    return "offsetBytes" in this.#source ? this.#source.offsetBytes : this.#source.sizeBytes;
  }

  digest(): string {
    const { digest } = this.#source;
    return typeof digest === "string" ? digest : digest.call(this.#source);
  }

  status(): IngestStatus {
    const { openedAtNs } = this.#parts;
    if ("offsetBytes" in this.#source) return { ...this.#source.status(), ref: this.ref };
    const { sizeBytes } = this.#source;
    const times = { startedAtNs: openedAtNs, updatedAtNs: openedAtNs };
    return { ref: this.ref, offsetBytes: sizeBytes, totalBytes: sizeBytes, ...times };
  }

  async write(data: Uint8Array): Promise<void> {
    this.#requireOpen();
    if (data.length === 0) return;
    const ingest = "offsetBytes" in this.#source ? this.#source : await this.#ownIngest(this.#source);
    await ingest.write(data);
  }

  async reset(): Promise<void> {
    this.#requireOpen();
    const ingest = "offsetBytes" in this.#source ? this.#source : await this.#ownIngest(undefined);
    await ingest.reset();
  }

  async commit(options: CommitOptions = {}): Promise<string> {
    this.#requireOpen();
    const labels = validInfoLabels(options.labels ?? {});
    const sizeBytes = options.sizeBytes || this.#parts.options.totalBytes || 0;
    const expected = options.expected || this.#parts.options.expected || "";
    return await this.#parts.lock.shared(async () => {
      this.#checkBefore(sizeBytes);
      const blob = await this.#publish(expected);
      await this.#record(blob, labels);
      return blob.digest;
    });
  }

  /** What can be refused is refused before the ingest is consumed. */
  #checkBefore(sizeBytes: number): void {
    const { db, ctx, row } = this.#parts;
    if (sizeBytes > 0 && sizeBytes !== this.offsetBytes) {
      throw failedPrecondition(`${quote(this.ref)} failed size validation: ${this.offsetBytes} != ${sizeBytes}`);
    }
    db.view((reader) => {
      if (readIngest(reader, row.namespace, row.ref)?.seq !== row.seq) throw notFound(`reference ${row.ref}`);
      requireLease(reader, ctx, row.namespace);
    });
  }

  async #publish(expected: string): Promise<Blob> {
    if ("offsetBytes" in this.#source) return await this.#source.commit({ expected });
    const { digest, sizeBytes } = this.#source;
    if (expected !== "" && expected !== digest) throw failedPrecondition(`${quote(this.ref)} unexpected digest`);
    return { digest, sizeBytes };
  }

  async #record(blob: Blob, labels: Labels): Promise<void> {
    const { db, backend, row, release } = this.#parts;
    const isNew = await db.update((tx) => this.#insert(tx, blob, labels));
    this.#isDone = true;
    // An ingest that took a blob over may have bytes from an earlier try.
    if (!("offsetBytes" in this.#source)) await backend.abort(backendRef(row));
    release();
    if (!isNew) throw alreadyExists(`content ${blob.digest}`);
  }

  /** The ingest becomes a blob, or goes because there is one. */
  #insert(tx: Transaction, { digest, sizeBytes }: Blob, labels: Labels): boolean {
    const { ctx, row } = this.#parts;
    const { namespace, ref } = row;
    if (!deleteIngest(tx, row)) throw notFound(`reference ${ref}`);
    removeFromLease(tx, ctx, namespace, { type: "ingests", id: ref });
    addToLease(tx, ctx, namespace, { type: "content", id: digest });
    if (readInfo(tx, namespace, digest) !== undefined) return false;
    insertContent(tx, namespace, { digest, sizeBytes, labels });
    tx.publish(namespace, "/content/create", contentCreated({ digest, sizeBytes }));
    return true;
  }

  /** Gives the ingest bytes of its own: those of `blob`, or none. */
  async #ownIngest(blob: AdoptedBlob | undefined): Promise<BackendWriter> {
    const { backend, lock, row, options } = this.#parts;
    const ingest = await lock.shared(() => backend.openIngest(backendRef(row), { algorithm: algorithmFor(options) }));
    this.#source = ingest;
    await ingest.reset();
    if (blob === undefined) return ingest;
    for await (const chunk of backend.read(blob.digest)) await ingest.write(chunk);
    return ingest;
  }

  #requireOpen(): void {
    if (this.#isDone) throw failedPrecondition(`the writer of ${this.ref} is closed`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isDone = true;
    try {
      if ("offsetBytes" in this.#source) await this.#source[Symbol.asyncDispose]();
    } finally {
      this.#parts.release();
    }
  }
}
