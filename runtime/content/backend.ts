// Blobs and ingests as files below one folder. It knows neither namespaces nor labels; who may write which ingest, and when a
// blob may go, others decide.
// @source containerd plugins/content/local/store.go
import { type FileHandle, open, opendir, rm, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { ReadOptions } from "../../api/core/content.js";
import type { BackendIngest, BackendWriter, ContentBackend, IngestOptions } from "../../api/core/content-backend.js";
import { DIGEST_ALGORITHMS, digestProblem } from "../../api/core/digest.js";
import { ContainerdError, notFound } from "../../api/core/errors.js";
import { type Clock, systemClock } from "../../api/core/time.js";
import { fromWriteError, ifThere, makeFolder } from "./files.js";
import { createIngest, readIngest } from "./ingest-files.js";
import { openIngestWriter } from "./ingest-writer.js";
import { blobPath, blobsDir, ingestDir, ingestsDir } from "./layout.js";

const CHUNK_BYTES = 1 << 20;

export interface ContentBackendOptions {
  /** Made when missing. Belongs to one process at a time. */
  readonly rootDir: string;
  readonly clock?: Clock | undefined;
}

/** Opens the folder of blobs. Nothing needs to be closed but writers. */
export async function openContentBackend(options: ContentBackendOptions): Promise<ContentBackend> {
  await makeFolder(join(blobsDir(options.rootDir), "sha256"));
  await makeFolder(ingestsDir(options.rootDir));
  return new FileBackend(options.rootDir, options.clock ?? systemClock);
}

class FileBackend implements ContentBackend {
  readonly #rootDir: string;
  readonly #clock: Clock;

  constructor(rootDir: string, clock: Clock) {
    this.#rootDir = rootDir;
    this.#clock = clock;
  }

  path(digest: string): string {
    return blobPath(this.#rootDir, digest);
  }

  async size(digest: string): Promise<number | undefined> {
    return (await ifThere(stat(this.path(digest))))?.size;
  }

  async *read(digest: string, options: ReadOptions = {}): AsyncGenerator<Uint8Array> {
    const file = await ifThere(open(this.path(digest), "r"));
    if (file === undefined) throw notFound(`content digest ${digest}`);
    try {
      yield* chunks(file, options);
    } finally {
      await file.close();
    }
  }

  async openIngest(ref: string, options: IngestOptions = {}): Promise<BackendWriter> {
    const { totalBytes = 0, algorithm = "sha256" } = options;
    const dir = ingestDir(this.#rootDir, ref);
    try {
      let ingest = await readIngest(dir);
      if (ingest === undefined || (totalBytes > 0 && ingest.totalBytes > 0 && ingest.totalBytes !== totalBytes)) {
        const nowNs = this.#clock();
        ingest = { ref, offsetBytes: 0, totalBytes, startedAtNs: nowNs, updatedAtNs: nowNs };
        await createIngest(dir, ingest);
      }
      return await openIngestWriter({ rootDir: this.#rootDir, dir, ingest, algorithm, clock: this.#clock });
    } catch (error) {
      throw fromWriteError(error);
    }
  }

  async ingest(ref: string): Promise<BackendIngest | undefined> {
    return await readIngest(ingestDir(this.#rootDir, ref));
  }

  async abort(ref: string): Promise<boolean> {
    const dir = ingestDir(this.#rootDir, ref);
    const wasThere = (await ifThere(stat(dir))) !== undefined;
    await rm(dir, { recursive: true, force: true });
    return wasThere;
  }

  async remove(digest: string): Promise<number | undefined> {
    const path = this.path(digest);
    const found = await ifThere(stat(path));
    if (found !== undefined) await ifThere(unlink(path));
    return found?.size;
  }

  async *blobs(): AsyncGenerator<string> {
    for (const algorithm of DIGEST_ALGORITHMS) {
      const folder = await ifThere(opendir(join(blobsDir(this.#rootDir), algorithm)));
      if (folder === undefined) continue;
      for await (const { name } of folder) {
        const digest = `${algorithm}:${name}`;
        if (digestProblem(digest) === undefined) yield digest;
      }
    }
  }

  async *ingests(): AsyncGenerator<BackendIngest> {
    for await (const { name } of await opendir(ingestsDir(this.#rootDir))) {
      const dir = join(ingestsDir(this.#rootDir), name);
      const ingest = await readIngest(dir);
      if (ingest !== undefined) yield ingest;
      else await rm(dir, { recursive: true, force: true });
    }
  }
}

/** The bytes that were asked for. Each chunk is a buffer of its own, so that it may be kept. */
async function* chunks(file: FileHandle, options: ReadOptions): AsyncGenerator<Uint8Array> {
  const { size } = await file.stat();
  const offset = Math.max(options.offsetBytes ?? 0, 0);
  if (offset > size) {
    throw new ContainerdError("out_of_range", `read past object length ${size} bytes`);
  }
  const wanted = options.sizeBytes ?? 0;
  const end = wanted > 0 ? Math.min(offset + wanted, size) : size;
  for (let at = offset; at < end; ) {
    options.signal?.throwIfAborted();
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, end - at));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) throw new ContainerdError("data_loss", `content ends at ${at} of ${size} bytes: data loss`);
    yield buffer.subarray(0, bytesRead);
    at += bytesRead;
  }
}
