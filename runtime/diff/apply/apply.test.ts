// Layers unpacked by the very function that the threads run, into folders of a real file system. Needs root.
import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requires } from "../../../test/helpers/requires.js";
import { type RawEntry, tarOf } from "../../../test/helpers/tar.js";
import { listMountPoints } from "../../sys/mount.js";
import { getXattr } from "../../sys/xattr.js";
import type { ArchiveSummary } from "../job.js";
import { applyLayer } from "./apply.js";

let dir: string;
let root: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-apply-"));
  root = join(dir, "root");
  mkdirSync(root);
  mkdirSync(join(dir, "mounts"));
});
afterEach(() => {
  const left = listMountPoints().filter((path) => path.startsWith(dir));
  rmSync(dir, { recursive: true });
  expect(left).toEqual([]);
});

const control = { check: () => {}, send: async () => {} };

async function apply(
  layer: Uint8Array,
  mode: "plain" | "overlay" = "plain",
  lowers: string[] = [],
): Promise<ArchiveSummary> {
  const path = join(dir, "layer");
  writeFileSync(path, layer);
  const mounts = [{ type: "bind", source: root, options: ["rbind", "rw"] }];
  const target =
    mode === "plain"
      ? ({ kind: "mounts", mounts, tempDir: join(dir, "mounts") } as const)
      : ({ kind: "overlay", upper: root, lowers } as const);
  const summary = await applyLayer({ kind: "apply", path, sniffed: true, target, syncFs: false }, control);
  expect(readdirSync(join(dir, "mounts"))).toEqual([]);
  return summary;
}

const applyEntries = (entries: readonly RawEntry[], mode?: "plain" | "overlay", lowers?: string[]) =>
  apply(tarOf(...entries), mode, lowers);

describe.skipIf(requires.root())("what entries make", () => {
  test("files, folders, links, devices, FIFOs, with all that they have", async () => {
    await applyEntries([
      { name: "./", type: "5", mode: 0o700 },
      { name: "d/", type: "5", mode: 0o1777, uid: 3, gid: 4, mtime: 1_500_000_000 },
      { name: "d/f", body: "hello", mode: 0o4755, uid: 1000, gid: 2000, pax: { "SCHILY.xattr.user.a": "b\0c" } },
      { name: "d/s", type: "2", linkName: "../no/where", uid: 7 },
      { name: "d/h", type: "1", linkName: "d/f", mode: 0o640, uid: 5 },
      { name: "d/c", type: "3", major: 1, minor: 3, mode: 0o666 },
      { name: "d/p", type: "6", mode: 0o600 },
    ]);
    const at = (name: string) => lstatSync(join(root, name));
    expect(readFileSync(join(root, "d/f"), "utf8")).toBe("hello");
    expect(at("d")).toMatchObject({ mode: 0o41777, uid: 3, gid: 4, mtimeMs: 1_500_000_000_000 });
    expect(at("d/f")).toMatchObject({ mode: 0o100640, uid: 5, gid: 0, nlink: 2, mtimeMs: 1_600_000_000_000 });
    expect(readlinkSync(join(root, "d/s"))).toBe("../no/where");
    expect(at("d/s")).toMatchObject({ uid: 7, mtimeMs: 1_600_000_000_000 });
    expect(at("d/c")).toMatchObject({ mode: 0o20666, rdev: 0x103 });
    expect(at("d/p").isFIFO()).toBe(true);
    expect(getXattr(join(root, "d/f"), "user.a")?.toString()).toBe("b\0c");
    expect(at("").mode & 0o777).toBe(0o755);
  });

  test("the digest counts every byte, of every gzip member, padding and what follows the end marks", async () => {
    const archive = Buffer.concat([tarOf({ name: "a", body: "1" }), Buffer.from("behind")]);
    const members = [archive.subarray(0, 700), archive.subarray(700)].map((part) => gzipSync(part));
    const digest = `sha256:${createHash("sha256").update(archive).digest("hex")}`;
    await expect(apply(Buffer.concat(members))).resolves.toEqual({ digest, sizeBytes: archive.length });
    expect(readFileSync(join(root, "a"), "utf8")).toBe("1");
  });
});
