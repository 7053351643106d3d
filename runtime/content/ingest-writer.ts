// An ingest that is being written. Bytes are hashed on this thread while the disk takes them; the blob appears under its digest
// only once they are synced.
// @source containerd plugins/content/local/writer.go
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { BackendIngest, BackendWriter } from "../../api/core/content-backend.js";
import { type DigestAlgorithm, digestAlgorithm } from "../../api/core/digest.js";
import { errorKind, failedPrecondition, notFound } from "../../api/core/errors.js";
import type { Clock } from "../../api/core/time.js";
import { hasCode } from "../sys/errno.js";
import { fromWriteError, ifThere, makeFolder, syncFolder, writeAll } from "./files.js";
import { dataPath, writeUpdatedAt } from "./ingest-files.js";
import { BLOB_MODE, blobPath } from "./layout.js";

const CHUNK_BYTES = 1 << 20;

export interface IngestWriterOptions {
  readonly rootDir: string;
  readonly dir: string;
  /** As the files tell it. */
  readonly ingest: BackendIngest;
  readonly algorithm: DigestAlgorithm;
  readonly clock: Clock;
}

/** Opens an ingest whose folder is there; what it holds already is hashed. */
export async function openIngestWriter(options: IngestWriterOptions): Promise<BackendWriter> {
  const file = await open(dataPath(options.dir), "r+");
  try {
    const hash = createHash(options.algorithm);
    const offsetBytes = await hashFile(file, hash);
    return new IngestWriter(options, file, hash, offsetBytes);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Feeds all bytes to the hash. @returns how many they are. */
async function hashFile(file: FileHandle, hash: Hash): Promise<number> {
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let offset = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, offset);
    if (bytesRead === 0) return offset;
    hash.update(chunk.subarray(0, bytesRead));
    offset += bytesRead;
  }
}

class IngestWriter implements BackendWriter {
  readonly #options: IngestWriterOptions;
  readonly #file: FileHandle;
  #hash: Hash;
  #offset: number;
  #updatedAtNs: bigint;
  #failure: unknown;
  #isClosed = false;

  constructor(options: IngestWriterOptions, file: FileHandle, hash: Hash, offsetBytes: number) {
    this.#options = options;
    this.#file = file;
    this.#hash = hash;
    this.#offset = offsetBytes;
    this.#updatedAtNs = options.ingest.updatedAtNs;
  }

  get offsetBytes(): number {
    return this.#offset;
  }

  digest(): string {
    return `${this.#options.algorithm}:${this.#hash.copy().digest("hex")}`;
  }

  status(): BackendIngest {
    return { ...this.#options.ingest, offsetBytes: this.#offset, updatedAtNs: this.#updatedAtNs };
  }

  async write(data: Uint8Array): Promise<void> {
    this.#requireUsable();
    try {
      const written = writeAll(this.#file, data, this.#offset);
      this.#hash.update(data);
      await written;
    } catch (error) {
      // How much of it arrived only the file knows: opening the ingest again reads it.
      this.#failure = fromWriteError(error);
      throw this.#failure;
    }
    this.#offset += data.length;
    this.#updatedAtNs = this.#options.clock();
  }

  async reset(): Promise<void> {
    this.#requireUsable();
    await this.#file.truncate(0);
    this.#hash = createHash(this.#options.algorithm);
    this.#offset = 0;
    this.#updatedAtNs = this.#options.clock();
  }

  async commit(options: { readonly sizeBytes?: number; readonly expected?: string }) {
    this.#requireUsable();
    const { sizeBytes = 0, expected = "" } = options;
    if (sizeBytes > 0 && sizeBytes !== this.#offset) {
      throw failedPrecondition(`unexpected commit size ${this.#offset}, expected ${sizeBytes}`);
    }
    const digest = await this.#digestAs(digestAlgorithm(expected) ?? this.#options.algorithm);
    if (expected !== "" && digest !== expected) {
      throw failedPrecondition(`unexpected commit digest ${digest}, expected ${expected}`);
    }
    try {
      await this.#publish(blobPath(this.#options.rootDir, digest));
    } catch (error) {
      // Somebody aborted the ingest meanwhile.
      if (hasCode(error, "ENOENT")) throw notFound(`reference ${this.#options.ingest.ref}`, error);
      throw fromWriteError(error);
    }
    await this.#close();
    await rm(this.#options.dir, { recursive: true, force: true });
    return { digest, sizeBytes: this.#offset };
  }

  /** Puts the data under their name. The name is synced in any case: whoever made it before may have died before that. */
  async #publish(path: string): Promise<void> {
    await makeFolder(dirname(path));
    const existing = await ifThere(stat(path));
    if (existing?.size !== this.#offset) {
      await this.#file.datasync();
      await rename(dataPath(this.#options.dir), path);
      const now = new Date(Number(this.#options.clock() / 1_000_000n));
      await this.#file.utimes(now, now);
      await this.#file.chmod(BLOB_MODE);
    }
    await syncFolder(dirname(path));
  }

  async #digestAs(algorithm: DigestAlgorithm): Promise<string> {
    if (algorithm === this.#options.algorithm) return this.digest();
    const hash = createHash(algorithm);
    await hashFile(this.#file, hash);
    return `${algorithm}:${hash.digest("hex")}`;
  }

  #requireUsable(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isClosed) throw failedPrecondition(`the writer of ${this.#options.ingest.ref} is closed`);
  }

  async #close(): Promise<void> {
    this.#isClosed = true;
    await this.#file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    await this.#close();
    try {
      // An ingest that was aborted meanwhile has no folder any more.
      await ifThere(writeUpdatedAt(this.#options.dir, this.#updatedAtNs));
    } catch (error) {
      // On a full disk the time of the data has to do: the failure that the caller must hear of is that of its write.
      if (errorKind(fromWriteError(error)) !== "resource_exhausted") throw error;
    }
  }
}
