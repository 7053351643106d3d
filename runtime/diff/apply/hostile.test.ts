// Layers that want out: whatever an archive says, nothing outside the root is written, linked, changed or read; what cannot be done
// ends with an error, soon, and nothing stays mounted. The folder beside the root is the bait. Needs root.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EVERYTHING } from "../../../test/helpers/layers.js";
import { seeded } from "../../../test/helpers/random.js";
import { requires } from "../../../test/helpers/requires.js";
import { type RawEntry, tarEntry, tarOf } from "../../../test/helpers/tar.js";
import { describeTree } from "../../../test/helpers/tree.js";
import { until } from "../../../test/helpers/until.js";
import { listMountPoints } from "../../sys/mount.js";
import { applyLayer } from "./apply.js";

const lacking = requires.root();

let dir: string;
let root: string;
let outside: string;
let bait: string[];

/** Whether this process has anything below the test's folder open. */
function hasOpenFiles(): boolean {
  return readdirSync("/proc/self/fd").some((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(dir);
    } catch {
      return false;
    }
  });
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-hostile-"));
  root = join(dir, "root");
  outside = join(dir, "outside");
  for (const path of [root, outside, join(outside, "sub"), join(dir, "mounts")]) mkdirSync(path);
  writeFileSync(join(outside, "file"), "untouched", { mode: 0o600 });
  for (const name of ["file", "sub", ""]) utimesSync(join(outside, name), 1_000_000_000, 1_000_000_000);
  bait = describeTree(dir).filter((line) => line.startsWith("outside"));
});
afterEach(async () => {
  await until("all files to be closed", () => !hasOpenFiles());
  const after = describeTree(dir).filter((line) => line.startsWith("outside"));
  const left = listMountPoints().filter((path) => path.startsWith(dir));
  const folders = readdirSync(join(dir, "mounts"));
  rmSync(dir, { recursive: true });
  expect(after).toEqual(bait);
  expect(left).toEqual([]);
  expect(folders).toEqual([]);
});

type Mode = "plain" | "overlay";

async function apply(layer: Uint8Array, mode: Mode, check = () => {}): Promise<unknown> {
  const path = join(dir, "layer");
  writeFileSync(path, layer);
  const mounts = [{ type: "bind", source: root, options: ["rbind", "rw"] }];
  const target =
    mode === "plain"
      ? ({ kind: "mounts", mounts, tempDir: join(dir, "mounts") } as const)
      : ({ kind: "overlay", upper: root, lowers: [outside] } as const);
  return await applyLayer(
    { kind: "apply", path, sniffed: true, target, syncFs: false },
    { check, send: async () => {} },
  );
}

const link = (name: string, target: string): RawEntry => ({ name, type: "2", linkName: target });
const hard = (name: string, target: string): RawEntry => ({ name, type: "1", linkName: target, mode: 0o777, uid: 9 });

/** `OUT` is the path of the bait; each entry list tries one way out. */
const ATTEMPTS: Readonly<Record<string, (out: string) => readonly RawEntry[]>> = {
  "absolute names": (out) => [
    { name: `${out}/file`, body: "x" },
    { name: `${out}/new`, body: "x" },
  ],
  "names with ..": () => [
    { name: "../outside/file", body: "x" },
    { name: "a/../../outside/file", body: "x" },
  ],
  "nothing but ..": () => [
    { name: "..", type: "5", mode: 0o777 },
    { name: "../..", type: "5" },
    { name: "a/..", type: "5" },
  ],
  "through an absolute link": (out) => [link("l", out), { name: "l/file", body: "x" }, { name: "l/new/er", body: "x" }],
  "through a relative link": () => [link("l", "../outside"), { name: "l/file", body: "x" }],
  "through a link in a link": (out) => [link("a", "b"), link("b", `../../../..${out}`), { name: "a/file", body: "x" }],
  "through a dangling link": (out) => [link("l", `${out}/made/by/us`), { name: "l/x", body: "x" }],
  "over a link": (out) => [link("l", `${out}/file`), { name: "l", body: "x", mode: 0o777, uid: 4 }],
  "a folder over a link": (out) => [link("l", out), { name: "l/", type: "5", mode: 0o777, uid: 4, mtime: 1 }],
  "a folder that becomes a link": (out) => [
    { name: "d/", type: "5", mode: 0o777, mtime: 1 },
    { name: "d/x", body: "x" },
    link("d", out),
    { name: "d/file", body: "x" },
    { name: "d/sub/y", body: "x" },
  ],
  "a parent that becomes a link, times at the end": (out) => [
    { name: "d/", type: "5" },
    { name: "d/sub/", type: "5", mtime: 1 },
    { name: ".wh.d" },
    link("d", out),
  ],
  "a hard link to the outside": (out) => [hard("h", `${out}/file`), hard("i", "../outside/file")],
  "a hard link through a link": (out) => [link("l", out), hard("h", "l/file")],
  "a hard link to a link, and changes to it": (out) => [
    link("l", `${out}/file`),
    hard("h", "l"),
    { name: "h", body: "x", mode: 0o777 },
    hard("g", "l"),
  ],
  "a hard link that removes its own way": () => [{ name: "a/b", body: "x" }, hard("a", "a/b")],
  "a whiteout through a link": (out) => [link("l", out), { name: "l/.wh.file" }, { name: "l/.wh.sub" }],
  "an opaque mark through a link": (out) => [link("l", out), { name: "l/.wh..wh..opq" }],
  "a whiteout of a link": (out) => [link("l", out), { name: ".wh.l" }],
  "a removed folder with a link in it": (out) => [
    { name: "d/", type: "5" },
    link("d/l", out),
    { name: "d", body: "file now" },
  ],
  "an opaque mark over links": (out) => [link("d/l", out), { name: "e/", type: "5" }, { name: ".wh..wh..opq" }],
  "a device, and a write to it": () => [
    { name: "disk", type: "4", major: 7, minor: 9, mode: 0o600 },
    { name: "disk", body: "x" },
    { name: "zero", type: "3", major: 1, minor: 5 },
    hard("zero2", "zero"),
    { name: "zero/x", body: "in a device" },
  ],
  "a FIFO as a folder": () => [
    { name: "p", type: "6" },
    { name: "p/x", body: "would wait for ever" },
  ],
  "a FIFO written over": () => [
    { name: "p", type: "6" },
    { name: "p", body: "would wait for ever" },
  ],
  "proc's own links": (out) => [
    link("fd", "/proc/self/fd/0"),
    { name: "fd/x", body: "x" },
    link("cwd", "/proc/self/cwd"),
    { name: "cwd/x", body: out },
  ],
  "overlay's own signs": (out) => [
    { name: "d/", type: "5", pax: { "SCHILY.xattr.trusted.overlay.redirect": `/../..${out}` } },
    { name: "d/x", body: "x", pax: { "SCHILY.xattr.trusted.overlay.metacopy": "" } },
  ],
};

describe.skipIf(lacking).each(["plain", "overlay"] as const)("ways out (%s)", (mode) => {
  test.each(Object.keys(ATTEMPTS))("%s", async (name) => {
    const entries = ATTEMPTS[name]?.(outside) ?? [];
    await apply(tarOf(...entries), mode).catch((error: unknown) => {
      expect(error).toBeInstanceOf(Error);
    });
    // Were the mode of the root the layer's business, others could look into snapshots.
    expect(existsSync(join(root, "..", "new"))).toBe(false);
    expect(describeTree(root).filter((line) => line.includes("trusted.overlay.redirect"))).toEqual([]);
  });

  test("links that were there before the layer", async () => {
    symlinkSync(outside, join(root, "l"));
    symlinkSync(join(outside, "file"), join(root, "f"));
    await apply(tarOf({ name: "l/x/y", body: "x" }, { name: "l/.wh.file" }, { name: "f", body: "x" }), mode).catch(
      () => {},
    );
    expect(describeTree(outside)).toHaveLength(2);
  });
});

const paxBomb = tarEntry({ name: "p", type: "x", body: "", size: 5_000_000_000 });
const sparse = (map: string, size: string): RawEntry => ({
  name: "s",
  body: "x".repeat(10),
  pax: { "GNU.sparse.map": map, "GNU.sparse.size": size },
});

/** Each with what the error says. */
const MALFORMED: Readonly<Record<string, readonly [Buffer, RegExp]>> = {
  "no archive": [Buffer.alloc(5000, "no archive "), /invalid tar header/],
  "a header cut short": [tarOf({ name: "a" }).subarray(0, 300), /unexpected EOF/],
  "a body cut short": [tarEntry({ name: "a", body: "x".repeat(2000) }).subarray(0, 1024), /unexpected EOF/],
  "a wrong checksum": [Buffer.from(tarOf({ name: "a" })).fill(0x37, 0, 1), /checksum/],
  "a negative size": [tarOf({ name: "a", patch: { 124: "\xff".repeat(12) } }), /size is negative/],
  "a size beyond all numbers": [tarOf({ name: "a", patch: { 124: `\x80${"\x7f".repeat(11)}` } }), /too large/],
  "a negative size in a record": [tarOf({ name: "a", pax: { size: "-1" } }), /size is negative/],
  "a record that is too long": [tarOf({ name: "p", type: "x", body: "99999999 path=x\n" }), /pax record/],
  "a record that counts wrong": [tarOf({ name: "p", type: "x", body: "2 a=b\n" }), /pax record/],
  "a record without a value": [tarOf({ name: "p", type: "x", body: "8 abcde\n" }), /pax record/],
  "a record header of gigabytes": [Buffer.concat([paxBomb, Buffer.alloc(4096)]), /field too long/],
  "a long name of gigabytes": [tarEntry({ name: "L", type: "L", size: 5_000_000_000 }), /field too long/],
  "a name of a megabyte": [tarOf({ name: "L", type: "L", body: "a/".repeat(500_000) }, { name: "a" }), /ENAMETOOLONG/],
  "a component that is too long": [tarOf({ name: "a", pax: { path: "n".repeat(300) } }), /ENAMETOOLONG/],
  "a NUL in a name": [tarOf({ name: "a", pax: { path: "a\0b" } }), /NUL/],
  "links in a circle": [tarOf(link("a", "b"), link("b", "a"), { name: "a/x" }), /ELOOP/],
  "a file as a folder": [tarOf({ name: "a", body: "x" }, { name: "a/b/c" }), /ENOTDIR/],
  "a hard link to nothing": [tarOf(hard("h", "nothing")), /ENOENT/],
  "a hard link to a folder": [tarOf({ name: "d/", type: "5" }, hard("h", "d")), /EPERM/],
  "an unknown type": [tarOf({ name: "a", type: "7" }), /unhandled tar header type 55/],
  "an owner that is no number": [tarOf({ name: "a", pax: { uid: "root" } }), /pax number/],
  "a negative owner": [tarOf({ name: "a", pax: { uid: "-5" } }), /owner/],
  "a whiteout of .": [tarOf({ name: ".wh.." }), /invalid whiteout name: .wh..: invalid archive/],
  "a whiteout of ..": [tarOf({ name: "a/.wh..." }), /invalid whiteout name: .wh...: invalid archive/],
  "a whiteout of nothing": [tarOf({ name: ".wh." }), /invalid whiteout name/],
  "a sparse map out of order": [tarOf(sparse("5,5,0,5", "100")), /sparse map/],
  "a sparse map beyond the file": [tarOf(sparse("95,10", "100")), /sparse map/],
  "a sparse map of other length": [tarOf(sparse("0,5", "100")), /sparse map/],
  "a zero block in between": [Buffer.concat([Buffer.alloc(512), tarOf({ name: "a" })]), /zero block/],
  "gzip cut short": [
    gzipSync(tarOf({ name: "a", body: "x".repeat(10_000) })).subarray(0, 60),
    /unexpected end of file/,
  ],
  "gzip with a flipped bit": [flipped(gzipSync(Buffer.from(tarOf({ name: "a", body: "abcdefgh".repeat(999) })))), /./],
};

function flipped(bytes: Buffer): Buffer {
  bytes[bytes.length - 6] = (bytes[bytes.length - 6] ?? 0) ^ 0x10;
  return bytes;
}

test.skipIf(lacking).each(Object.keys(MALFORMED))("%s ends with an error that says so", async (name) => {
  const [layer, message] = MALFORMED[name] ?? [Buffer.alloc(0), /never/];
  await expect(apply(layer, "plain")).rejects.toThrow(message);
  await expect(apply(layer, "overlay")).rejects.toThrow(message);
});

test.skipIf(lacking)("a tree deeper than any path is refused, and can be removed again by a layer", async () => {
  const deep = "d/".repeat(2000);
  const entries: RawEntry[] = [{ name: "x", pax: { path: `${deep}end` } }];
  for (let count = 0; count < 3; count += 1) {
    entries.push(
      { name: "x", type: "2", pax: { path: `l${count}`, linkpath: deep.slice(0, -1) } },
      { name: `l${count}/${deep.slice(0, 60)}x` },
    );
  }
  await apply(tarOf(...entries), "plain").catch(() => {});
  await apply(tarOf({ name: ".wh.d" }), "plain");
  expect(existsSync(join(root, "d"))).toBe(false);
});

test.skipIf(lacking)("a caller who has lost interest is heard between two chunks", async () => {
  const layer = gzipSync(tarOf({ name: "zeros", body: Buffer.alloc(20_000_000) }));
  let looks = 0;
  const check = (): void => {
    looks += 1;
    if (looks > 3) throw new Error("cancelled");
  };
  await expect(apply(layer, "plain", check)).rejects.toThrow("cancelled");
});

test.skipIf(lacking)(
  "archives changed by chance never get out, never hang, and always settle",
  { timeout: 60_000 },
  async () => {
    const random = seeded(20_261_122);
    const originals = EVERYTHING.map((entries) => tarOf(...entries));
    const deadline = performance.now() + 4000;
    for (let round = 0; round < 400 && performance.now() < deadline; round += 1) {
      const bytes = Buffer.from(random.pick(originals));
      for (let count = random.between(1, 12); count > 0; count -= 1) {
        const block = random.between(0, bytes.length / 512) * 512;
        const offset = block + random.between(0, 512);
        bytes[offset] = random.pick([0, 0x2e, 0x2f, 0x30, 0x31, 0x32, 0x35, 0x78, 0x80, 0xff, random.between(0, 256)]);
        // Half of them with a checksum that fits, so that they are not refused at once.
        if (random.next() < 0.5) mendChecksum(bytes.subarray(block, block + 512));
      }
      await apply(bytes, random.pick(["plain", "overlay"] as const)).catch((error: unknown) => {
        expect(error).toBeInstanceOf(Error);
        expect(String(error)).not.toMatch(/TypeError|RangeError|EBADF/);
      });
    }
  },
);

function mendChecksum(block: Buffer): void {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}
