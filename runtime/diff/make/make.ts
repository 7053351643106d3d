// A layer made of what differs between two trees: mounts, walk, archive, compression. Runs in a thread: the calls are synchronous.
// @source containerd plugins/diff/walking/differ.go
import { createHash } from "node:crypto";
import { constants, openSync } from "node:fs";
import { createRequire } from "node:module";
import { pipeline, Readable, type Transform } from "node:stream";
import zlib from "node:zlib";
import { closeFd } from "../../sys/at.js";
import { compareTrees } from "../../sys/trees/walk.js";
import type { ArchiveSummary, DiffJob, JobControl } from "../job.js";
import { readonlyMounts, withTempMount } from "../temp-mount.js";
import { LayerWriter } from "./layer-writer.js";

const CHUNK_BYTES = 256 * 1024;

/** @returns digest and size of the archive before compression; its bytes go out through `control`. */
export async function makeLayer(job: DiffJob, control: JobControl): Promise<ArchiveSummary> {
  const { tempDir } = job;
  return await withTempMount(tempDir, readonlyMounts(job.left), (left) =>
    withTempMount(tempDir, readonlyMounts(job.right), (right) => writeLayer(job, left, right, control)),
  );
}

async function writeLayer(job: DiffJob, left: string, right: string, control: JobControl): Promise<ArchiveSummary> {
  const flags = constants.O_RDONLY | constants.O_DIRECTORY;
  const before = openSync(left, flags);
  const after = openSync(right, flags);
  const hash = createHash("sha256");
  let sizeBytes = 0;
  function* archive(): Generator<Buffer> {
    const writer = new LayerWriter({ root: after, sourceDateEpochNs: job.sourceDateEpochNs });
    for (const change of compareTrees(before, after)) {
      control.check();
      yield* writer.change(change);
    }
    yield* writer.end();
  }
  function* counted(): Generator<Buffer> {
    for (const chunk of inChunks(archive())) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      yield chunk;
    }
  }
  try {
    const bytes = job.compression === "none" ? counted() : compressed(counted(), createCompressor(job.compression));
    // A copy has a buffer of its own, which can change hands.
    for await (const chunk of bytes) await control.send(new Uint8Array(chunk));
  } finally {
    closeFd(before);
    closeFd(after);
  }
  return { digest: `sha256:${hash.digest("hex")}`, sizeBytes };
}

/** Headers are short; many go out together. */
function* inChunks(parts: Iterable<Buffer>): Generator<Buffer> {
  let gathered: Buffer[] = [];
  let length = 0;
  for (const part of parts) {
    gathered.push(part);
    length += part.length;
    if (length < CHUNK_BYTES) continue;
    yield Buffer.concat(gathered);
    gathered = [];
    length = 0;
  }
  if (length > 0) yield Buffer.concat(gathered);
}

async function* compressed(source: Iterable<Buffer>, compressor: Transform): AsyncGenerator<Buffer> {
  // The callback is needed: errors reach the reader of the compressor all the same.
  pipeline(Readable.from(source, { objectMode: true, highWaterMark: 4 }), compressor, () => {});
  yield* compressor;
}

function createCompressor(compression: "gzip" | "zstd"): Transform {
  if (compression === "gzip") return zlib.createGzip({ chunkSize: CHUNK_BYTES });
  const compressor = zstdCompressor();
  if (compressor === undefined) throw new Error("zstd is not available here");
  return compressor;
}

/** Node has zstd from 22.15 on; before that an optional dependency does. */
function zstdCompressor(): Transform | undefined {
  const { createZstdCompress } = zlib as typeof zlib & { createZstdCompress?: () => Transform };
  if (createZstdCompress !== undefined) return createZstdCompress();
  try {
    const { CompressStream } = createRequire(import.meta.url)("zstd-napi") as typeof import("zstd-napi");
    return new CompressStream();
  } catch {
    return undefined;
  }
}
