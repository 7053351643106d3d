// Every compression that a layer may have, also in parts, cut short and unknown; and zstd without native help.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compress } from "zstd-napi";
import { readDecompressed, SlowZstdStream, sniff } from "./decompress.js";

const TEXT = Buffer.from("some text, and again some text; ".repeat(50_000));
const HALF = TEXT.length / 2;
const SKIPPABLE = Buffer.from("5a2a4d1804000000deadbeef", "hex");
const inTwo = (pack: (bytes: Buffer) => Buffer): Buffer =>
  Buffer.concat([pack(TEXT.subarray(0, HALF)), pack(TEXT.subarray(HALF))]);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-decompress-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

async function read(bytes: Buffer, sniffed = true): Promise<Buffer> {
  const path = join(dir, "layer");
  writeFileSync(path, bytes);
  const chunks: Buffer[] = [];
  for await (const chunk of readDecompressed(path, { sniffed })) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test.each([
  ["none", TEXT],
  ["gzip", gzipSync(TEXT)],
  ["gzip", inTwo((bytes) => gzipSync(bytes))],
  ["zstd", compress(TEXT)],
  ["zstd", inTwo((bytes) => compress(bytes))],
  ["zstd", Buffer.concat([SKIPPABLE, compress(TEXT)])],
] as const)("%s", async (compression, bytes) => {
  expect(sniff(bytes)).toBe(compression);
  expect((await read(bytes)).equals(TEXT)).toBe(true);
  expect((await read(bytes, false)).equals(bytes)).toBe(true);
});

test.each([
  ["gzip", gzipSync(TEXT)],
  ["zstd", compress(TEXT)],
] as const)("%s cut short is an error", async (_, bytes) => {
  await expect(read(bytes.subarray(0, bytes.length - 5))).rejects.toThrow();
});

test.each([0, 1, 3])("%i bytes are no compression", async (length) => {
  expect(await read(Buffer.alloc(length, 0x1f))).toHaveLength(length);
});

test("zstd without native help", async () => {
  const bytes = compress(TEXT);
  const pieces = Array.from({ length: Math.ceil(bytes.length / 100) }, (_, index) =>
    bytes.subarray(index * 100, index * 100 + 100),
  );
  const stream = Readable.from(pieces).pipe(new SlowZstdStream());
  expect(Buffer.concat(await stream.toArray()).equals(TEXT)).toBe(true);
  const broken = Readable.from([bytes.subarray(0, 30)]).pipe(new SlowZstdStream());
  await expect(broken.toArray()).rejects.toThrow();
  const garbage = Readable.from([Buffer.from("28b52ffd".repeat(20), "hex")]).pipe(new SlowZstdStream());
  await expect(garbage.toArray()).rejects.toThrow();
});
