// A layer's bytes as they were before compression, whichever it was: gzip with any number of members, zstd, or none.
import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { createRequire } from "node:module";
import { pipeline, type Readable, Transform } from "node:stream";
import zlib from "node:zlib";
import { Decompress as SlowZstd } from "fzstd";

export type Compression = "none" | "gzip" | "zstd";

const CHUNK_BYTES = 1024 * 1024;
/** So much is decompressed ahead, while the extractor is at work. */
const AHEAD_BYTES = 4 * 1024 * 1024;
const MAGIC_BYTES = 4;

/** By the first bytes. */
export function sniff(start: Uint8Array): Compression {
  const [a, b, c, d] = start;
  if (a === 0x1f && b === 0x8b && c === 0x08) return "gzip";
  if (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd) return "zstd";
  // A skippable frame, which may come first.
  if (a !== undefined && (a & 0xf0) === 0x50 && b === 0x2a && c === 0x4d && d === 0x18) return "zstd";
  return "none";
}

function readStart(fd: number): Buffer {
  const start = Buffer.alloc(MAGIC_BYTES);
  return start.subarray(0, readSync(fd, start, 0, start.length, 0));
}

/**
 * Reads a file, decompressed when `sniffed` finds it compressed. Leaving the loop early closes everything.
 * @throws what open throws; in the loop, what the decompressor says of malformed data.
 */
export async function* readDecompressed(path: string, options: { readonly sniffed: boolean }): AsyncIterable<Buffer> {
  const fd = openSync(path, "r");
  let compression: Compression;
  try {
    compression = options.sniffed ? sniff(readStart(fd)) : "none";
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const file = createReadStream(path, { fd, start: 0, highWaterMark: CHUNK_BYTES });
  yield* compression === "none" ? file : through(file, decompressor(compression));
}

async function* through(source: Readable, transform: Transform): AsyncIterable<Buffer> {
  // The callback is needed: errors reach the reader of `transform` all the same.
  pipeline(source, transform, () => {});
  yield* transform;
}

function decompressor(compression: "gzip" | "zstd"): Transform {
  if (compression === "gzip") {
    return zlib.createGunzip({ chunkSize: CHUNK_BYTES, readableHighWaterMark: AHEAD_BYTES } as zlib.ZlibOptions);
  }
  // Not Node's own, which newer releases have: it ends with the first frame, and a layer may have many.
  return nativeZstd() ?? new SlowZstdStream();
}

function nativeZstd(): Transform | undefined {
  try {
    // An optional dependency: where it could not be built, the slow one does.
    const { DecompressStream } = createRequire(import.meta.url)("zstd-napi") as typeof import("zstd-napi");
    return new DecompressStream();
  } catch {
    return undefined;
  }
}

/** fzstd as a stream: in JavaScript, some 160 MB a second. */
export class SlowZstdStream extends Transform {
  readonly #zstd = new SlowZstd((data) => {
    this.push(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  });
  #sawData = false;

  override _transform(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#sawData = true;
    attempt(() => this.#zstd.push(chunk), done);
  }

  override _flush(done: (error?: Error) => void): void {
    attempt(() => this.#sawData && this.#zstd.push(new Uint8Array(0), true), done);
  }
}

function attempt(action: () => void, done: (error?: Error) => void): void {
  try {
    action();
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)));
    return;
  }
  done();
}
