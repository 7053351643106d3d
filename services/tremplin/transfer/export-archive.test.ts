// Archives of exports, unpacked by tar(1) as LXD does it, and compared with what they were made of.
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TarReader } from "../../../api/core/tar/reader.js";
import { setXattr } from "../../../runtime/sys/xattr.js";
import { describeTree } from "../../../test/helpers/tree.js";
import { type ExportCount, writeExport } from "./export-archive.js";
import { parseIdMap } from "./id-map.js";

const PLAIN = parseIdMap(undefined);

let dir: string;
let source: string;
let target: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-export-"));
  source = join(dir, "source");
  target = join(dir, "out.tar.gz");
  mkdirSync(join(source, "rootfs/etc"), { recursive: true });
  writeFileSync(join(source, "metadata.yaml"), "architecture: x86_64\n");
});
afterEach(() => rmSync(dir, { recursive: true }));

async function write(options: { signal?: AbortSignal; onCount?: (count: ExportCount) => Promise<void> } = {}) {
  const [folder, file] = [openSync(source, "r"), openSync(target, "w")];
  const { signal = new AbortController().signal, onCount = async () => {} } = options;
  try {
    return await writeExport({ folder, ids: PLAIN, target: file, signal, onCount });
  } finally {
    closeSync(folder);
    closeSync(file);
  }
}

const names = (): string[] => {
  const told: string[] = [];
  const reader = new TarReader({ entry: ({ name }) => void told.push(name), data: () => {}, end: () => {} });
  reader.push(gunzipSync(readFileSync(target)));
  reader.finish();
  return told;
};

/** What tar(1) makes of it. */
function unpack(): string {
  const folder = join(dir, "unpacked");
  mkdirSync(folder);
  // Only root's tar keeps the bits of a mode that set ids without being told to.
  const whole = ["--restrict", "--numeric-owner", "--same-permissions", "--xattrs-include=*"];
  execFileSync("tar", [...whole, "-C", folder, "-xzf", target]);
  return folder;
}

test("a tree of everything comes out as it went in", async () => {
  const root = join(source, "rootfs");
  const long = join(root, "a-long-folder/".repeat(12));
  mkdirSync(long, { recursive: true });
  writeFileSync(join(long, "file"), "in the depth");
  writeFileSync(join(root, "set-id"), "run me", { mode: 0o755 });
  execFileSync("chmod", ["4711", join(root, "set-id")]);
  linkSync(join(root, "set-id"), join(root, "z-link"));
  symlinkSync("/nowhere/né", join(root, "link"));
  symlinkSync("x".repeat(300), join(root, "long-link"));
  execFileSync("mkfifo", [join(root, "fifo")]);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xe9, 0x20, 0x0a])]), "no UTF-8");
  utimesSync(join(root, "set-id"), 1_500_000_000.25, 1_500_000_000.25);
  setXattr(join(root, "set-id"), "user.note", Buffer.from("a\nb=c\0d"));
  setXattr(join(root, "set-id"), "user.a=b%", Buffer.from("1"));
  setXattr(join(root, "etc"), "user.folder", Buffer.from("2"));
  const sparse = openSync(join(root, "sparse"), "w");
  writeSync(sparse, "start", 0);
  writeSync(sparse, "middle", 20_000_000);
  ftruncateSync(sparse, 40_000_000);
  closeSync(sparse);
  writeFileSync(join(root, "random"), Buffer.alloc(700_001, "0123456789"));
  mkdirSync(join(source, "templates"));
  writeFileSync(join(source, "templates/hosts.tpl"), "{{ container.name }}");
  writeFileSync(join(source, "backup.yaml"), "not for export");

  await write();

  expect(names().slice(0, 3)).toEqual(["metadata.yaml", "rootfs/", "rootfs/a-long-folder/"]);
  expect(names().slice(-2)).toEqual(["templates/", "templates/hosts.tpl"]);
  const unpacked = unpack();
  rmSync(join(source, "backup.yaml"));
  expect(describeTree(unpacked)).toEqual(describeTree(source));
  expect(statSync(join(unpacked, "rootfs/sparse")).blocks).toBeLessThan(100);
  expect(statSync(target).size).toBeLessThan(1_000_000);
});

test.skipIf(process.getuid?.() !== 0)("owners, devices and sockets", async () => {
  const root = join(source, "rootfs");
  execFileSync("mknod", [join(root, "null"), "c", "1", "3"]);
  execFileSync("mknod", [join(root, "disk"), "b", "8", "17"]);
  writeFileSync(join(root, "owned"), "");
  execFileSync("chown", ["3000000:4000000", join(root, "owned")]);
  await write();
  expect(describeTree(unpack())).toEqual(describeTree(source));
});

test("files with holes anywhere are read back whole", async () => {
  const piece = fc.tuple(fc.nat(300_000), fc.integer({ min: 1, max: 20_000 }));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 5 }), fc.nat(400_000), async (pieces, length) => {
      const path = join(source, "rootfs/holes");
      const fd = openSync(path, "w");
      for (const [offset, size] of pieces) writeSync(fd, Buffer.alloc(size, "x"), 0, size, offset);
      ftruncateSync(fd, length);
      closeSync(fd);
      await write();
      const found = Buffer.alloc(length);
      let current = "";
      const reader = new TarReader({
        entry: (entry) => {
          current = entry.name;
          if (current === "rootfs/holes") expect(entry.fileBytes).toBe(length);
        },
        data: (buffer, start, end, offset) => {
          if (current === "rootfs/holes") buffer.copy(found, offset, start, end);
        },
        end: () => {},
      });
      reader.push(gunzipSync(readFileSync(target)));
      reader.finish();
      expect(found.equals(readFileSync(path))).toBe(true);
    }),
    { numRuns: 40 },
  );
});

describe("the count", () => {
  test("is known before, grows, and ends at all there is", async () => {
    for (let index = 0; index < 50; index += 1) writeFileSync(join(source, `rootfs/f${index}`), Buffer.alloc(10_000));
    writeFileSync(join(source, "rootfs/large"), Buffer.alloc(2_000_000, "large"));
    const told: ExportCount[] = [];
    const last = await write({ onCount: async (count) => void told.push(count) });
    const [first] = told;
    // metadata.yaml, rootfs, etc, large
    expect(first).toMatchObject({ total: { files: 54 }, done: { files: 0, bytes: 0 }, exportedBytes: 0 });
    expect(first?.total.bytes).toBeGreaterThan(2_500_000);
    expect(last.done).toEqual(last.total);
    expect(last.exportedBytes).toBe(statSync(target).size);
    const bytes = told.map(({ done }) => done.bytes);
    expect(bytes).toEqual([...bytes].sort((a, b) => a - b));
    expect(new Set(told.map(({ total }) => JSON.stringify(total))).size).toBe(1);
    // Also in the middle of a file.
    expect(told.filter(({ done }) => done.bytes > 1_000_000 && done.bytes < 2_000_000).length).toBeGreaterThan(2);
  });

  test("that cannot be told ends the export", async () => {
    const lost = new Error("nobody there");
    await expect(write({ onCount: () => Promise.reject(lost) })).rejects.toBe(lost);
  });
});

test("it ends in the middle when nobody wants it any more", async () => {
  writeFileSync(join(source, "rootfs/large"), Buffer.alloc(20_000_000, "large"));
  const stop = new AbortController();
  const onCount = async ({ done }: ExportCount): Promise<void> => {
    if (done.bytes > 5_000_000) stop.abort();
  };
  await expect(write({ signal: stop.signal, onCount })).rejects.toMatchObject({ name: "AbortError" });
});

test("what the file held before is gone", async () => {
  writeFileSync(target, Buffer.alloc(100_000, "old"));
  const file = openSync(target, "r+");
  const folder = openSync(source, "r");
  const { exportedBytes } = await writeExport({
    folder,
    ids: PLAIN,
    target: file,
    signal: new AbortController().signal,
    onCount: async () => {},
  });
  closeSync(folder);
  closeSync(file);
  expect(statSync(target).size).toBe(exportedBytes);
  expect(names()[0]).toBe("metadata.yaml");
});
