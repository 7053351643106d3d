// What archives tell before they are unpacked.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tarOf } from "../../../test/helpers/tar.js";
import { neededBytes, readArchitecture } from "./archive-head.js";

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-head-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

const METADATA = { name: "metadata.yaml", body: "architecture: armv7l\n" };
const FILE = { name: "rootfs/file", body: "x".repeat(4_000_000) };

describe("the architecture", () => {
  test.each([
    ["gzip", gzipSync(tarOf(METADATA, FILE)), "armv7l"],
    ["uncompressed", tarOf(METADATA, FILE), "armv7l"],
    ["of a name with a dot", gzipSync(tarOf({ ...METADATA, name: "./metadata.yaml" })), "armv7l"],
    ["with records before it", gzipSync(tarOf({ ...METADATA, pax: { mtime: "1.5" } })), "armv7l"],
    ["behind something else", gzipSync(tarOf(FILE, METADATA)), undefined],
    ["of a description elsewhere", gzipSync(tarOf({ ...METADATA, name: "rootfs/metadata.yaml" })), undefined],
    ["of a description without one", gzipSync(tarOf({ name: "metadata.yaml", body: "creation_date: 1\n" })), undefined],
    [
      "of an endless description",
      gzipSync(tarOf({ ...METADATA, body: `${METADATA.body}${"#".repeat(2 ** 21)}` })),
      undefined,
    ],
    ["cut short", gzipSync(tarOf(METADATA)).subarray(0, 20), undefined],
    ["of no archive", Buffer.from("nonsense, but long enough ".repeat(100)), undefined],
    ["of nothing", Buffer.alloc(0), undefined],
  ])("%s", async (name, bytes, wanted) => {
    const path = join(dir, name);
    writeFileSync(path, bytes);
    expect(await readArchitecture(path)).toBe(wanted);
  });
});

describe("the room that it takes", () => {
  const GIB = 2n ** 30n;
  const GZIP = Buffer.from([0x1f, 0x8b, 0x08, 0x00]);
  const trailer = (length: bigint): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(Number(length % (4n * GIB)), 0);
    return bytes;
  };

  test("itself and what a gzip file says of its content", () => {
    const bytes = gzipSync(Buffer.alloc(1_000_000));
    expect(neededBytes(BigInt(bytes.length), bytes.subarray(0, 4), bytes.subarray(-4))).toBe(
      BigInt(bytes.length) + 1_000_000n,
    );
  });

  test.each([
    ["5 GiB in 2", 2n * GIB, 5n * GIB, 5n * GIB],
    ["5 GiB in 4.5", (9n * GIB) / 2n, 5n * GIB, 5n * GIB],
    ["9 GiB in 7", 7n * GIB, 9n * GIB, 9n * GIB],
    ["9 GiB in half a one, which nobody can tell from one", GIB / 2n, 9n * GIB, GIB],
  ])("%s", (_, size, length, estimate) => {
    expect(neededBytes(size, GZIP, trailer(length))).toBe(size + estimate);
  });

  test("as much again for what says nothing", () => {
    expect(neededBytes(1000n, Buffer.from("meta"), Buffer.from("\0\0\0\0"))).toBe(2000n);
  });

  test("an archive is never taken to be longer than its content, and is right when it is less than 4 GiB shorter", () => {
    fc.assert(
      fc.property(fc.bigInt(4n, 2n ** 40n), fc.bigInt(0n, 4n * GIB - 1n), (size, more) => {
        expect(neededBytes(size, GZIP, trailer(size + more))).toBe(2n * size + more);
      }),
    );
  });
});
