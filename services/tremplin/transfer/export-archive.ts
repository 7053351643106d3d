// The stream of an export: an instance's folder, as an archive, compressed, into a file.
import { fsync, ftruncate, write } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { ArchiveEntries } from "../../../api/client/files/archive-entries.js";
import type { IdMap } from "../../../api/client/files/map-xattr.js";
import { endMarks } from "../../../api/core/tar/writer.js";
import { measureInstance, type TreeSize, walkInstance } from "./tree.js";

/** Small entries go to the compressor together. */
const CHUNK_BYTES = 256 * 1024;
/** The file may lie behind a slow share, which takes few long writes better than many short ones. */
const BUFFER_BYTES = 16 * 1024 * 1024;

const [truncateFd, writeFd, syncFd] = [promisify(ftruncate), promisify(write), promisify(fsync)];

/** How far an export is. */
export interface ExportCount {
  /** Of all that there is, known before anything is written. */
  readonly total: TreeSize;
  readonly done: TreeSize;
  /** Compressed bytes so far. */
  readonly exportedBytes: number;
}

export interface ExportJob {
  /** The open folder of an instance that does not change meanwhile. */
  readonly folder: number;
  readonly ids: IdMap;
  /** The open file. */
  readonly target: number;
  readonly signal: AbortSignal;
  /** Asked often; a failure ends the export. */
  readonly onCount: (count: ExportCount) => Promise<void>;
}

/**
 * Writes the file anew and to its disk. @returns the last count.
 * @throws what the signal was aborted with; what `onCount` throws; an Error with an errno code. The file then holds anything.
 */
export async function writeExport({ folder, ids, target, signal, onCount }: ExportJob): Promise<ExportCount> {
  await truncateFd(target, 0);
  const total = await measureInstance(folder, signal);
  let [files, bytes, exportedBytes] = [0, 0, 0];
  const count = (more = 0): ExportCount => ({ total, done: { files, bytes: bytes + more }, exportedBytes });
  const look = async (more = 0): Promise<void> => {
    signal.throwIfAborted();
    await onCount(count(more));
  };
  async function* archive(): AsyncGenerator<Buffer> {
    const entries = new ArchiveEntries(ids);
    await look();
    for (const entry of walkInstance(folder)) {
      for (const piece of entries.entry(entry)) {
        yield piece.bytes;
        if (piece.position > 0) await look(piece.position);
      }
      files += 1;
      bytes += entry.status.sizeBytes;
      await look();
    }
    yield endMarks();
  }
  const gzip = zlib.createGzip({ chunkSize: CHUNK_BYTES });
  // The callback is needed: errors reach the reader of the compressor all the same.
  pipeline(Readable.from(inChunks(archive()), { objectMode: true, highWaterMark: 2 }), gzip, () => {});
  let position = 0;
  for await (const chunk of buffered(gzip, (length) => (exportedBytes += length))) {
    await writeAll(target, chunk, position);
    position += chunk.length;
  }
  await syncFd(target);
  return count();
}

async function* inChunks(parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* buffered(parts, () => {}, CHUNK_BYTES);
}

async function* buffered(
  parts: AsyncIterable<Buffer>,
  onPart: (length: number) => void,
  least = BUFFER_BYTES,
): AsyncGenerator<Buffer> {
  let gathered: Buffer[] = [];
  let length = 0;
  for await (const part of parts) {
    onPart(part.length);
    gathered.push(part);
    length += part.length;
    if (length < least) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(gathered);
}

async function writeAll(fd: number, bytes: Buffer, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await writeFd(fd, bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

/** What is left of an export that failed. */
export const emptyFile = (fd: number): Promise<void> => truncateFd(fd, 0);
