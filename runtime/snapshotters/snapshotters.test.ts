// The two backends on real folders: what they lay out, what they hand out, and what a crash left behind.
import { chmodSync, linkSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SnapshotBackend, SnapshotFolder } from "../../api/core/snapshot-backend.js";
import { requires } from "../../test/helpers/requires.js";
import { diskUsage } from "./disk-usage.js";
import { mappedOwner } from "./id-mapping.js";
import { snapshotBackends } from "./index.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-backend-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function backend(name: string): SnapshotBackend {
  const found = snapshotBackends(dir).find((one) => one.name === name);
  if (found === undefined) throw new Error(`no backend ${name}`);
  return found;
}

const folder = (id: number, kind: SnapshotFolder["kind"], ...parents: number[]): SnapshotFolder => ({
  id,
  kind,
  parents,
  labels: {},
});
const modeOf = (path: string): number => lstatSync(path).mode & 0o7777;

describe.skipIf(requires.root())("overlayfs", () => {
  test("lays out folders as containerd does, whatever the umask", async () => {
    const overlay = backend("overlayfs");
    const umask = process.umask(0o077);
    try {
      await overlay.create(folder(1, "active"));
      await overlay.create(folder(2, "view", 1));
    } finally {
      process.umask(umask);
    }
    const snapshots = join(dir, "io.containerd.snapshotter.v1.overlayfs/snapshots");
    expect(readdirSync(snapshots).sort()).toEqual(["1", "2"]);
    expect(readdirSync(join(snapshots, "1")).sort()).toEqual(["fs", "work"]);
    expect(readdirSync(join(snapshots, "2"))).toEqual(["fs"]);
    const modes = ["", "1", "1/fs", "1/work"].map((path) => modeOf(join(snapshots, path)));
    expect(modes).toEqual([0o700, 0o700, 0o755, 0o711]);
  });

  test("hands out mounts by kind and number of parents", async () => {
    const overlay = backend("overlayfs");
    expect(await overlay.check()).toBeUndefined();
    const snapshots = join(overlay.rootDir, "snapshots");
    const bind = (id: number, access: string) => [
      { type: "bind", source: join(snapshots, `${id}/fs`), options: [access, "rbind"] },
    ];
    const stacked = (...options: string[]) => [
      { type: "overlay", source: "overlay", options: ["index=off", ...options] },
    ];
    const own = [`workdir=${snapshots}/9/work`, `upperdir=${snapshots}/9/fs`];
    expect(overlay.mounts(folder(9, "active"))).toEqual(bind(9, "rw"));
    expect(overlay.mounts(folder(9, "view"))).toEqual(bind(9, "ro"));
    expect(overlay.mounts(folder(9, "view", 4))).toEqual(bind(4, "ro"));
    expect(overlay.mounts(folder(9, "active", 4))).toEqual(stacked(...own, `lowerdir=${snapshots}/4/fs`));
    const two = `lowerdir=${snapshots}/4/fs:${snapshots}/2/fs`;
    expect(overlay.mounts(folder(9, "active", 4, 2))).toEqual(stacked(...own, two));
    expect(overlay.mounts(folder(9, "view", 4, 2))).toEqual(stacked(two));
  });

  test("gives the root folder to whom the labels map it", async () => {
    const overlay = backend("overlayfs");
    const labels = {
      "containerd.io/snapshot/uidmapping": "1:5:1,0:100000:65536",
      "containerd.io/snapshot/gidmapping": "0:200000:65536",
    };
    await overlay.create({ ...folder(1, "active"), labels });
    await overlay.create(folder(2, "active", 1));
    for (const id of [1, 2]) {
      expect(lstatSync(join(overlay.rootDir, `snapshots/${id}/fs`))).toMatchObject({ uid: 100000, gid: 200000 });
    }
    const bad = { ...labels, "containerd.io/snapshot/gidmapping": "0:zero:1" };
    await expect(overlay.create({ ...folder(3, "active"), labels: bad })).rejects.toThrow(
      /no mapping of id 0 in "0:zero:1"/,
    );
    expect(await overlay.list()).toEqual([1, 2]);
  });

  test("leaves nothing of what it tried", async () => {
    const overlay = backend("overlayfs");
    await overlay.check();
    expect(readdirSync(overlay.rootDir)).toEqual([]);
  });
});

describe.each(["overlayfs", "native"])("%s", (name) => {
  test("frees what a crash left half made and half removed, and nothing else", async () => {
    const one = backend(name);
    expect(await one.list()).toEqual([]);
    for (const id of [1, 2, 10]) await one.create(folder(id, "active"));
    const snapshots = join(one.rootDir, "snapshots");
    for (const left of ["new-0123", "rm-7"]) mkdirSync(join(snapshots, left, "fs/deep"), { recursive: true });
    mkdirSync(join(snapshots, "lost+found"));
    expect(await one.list()).toEqual([1, 2, 10]);
    const free = await one.retire([10, 3]);
    expect(await one.list()).toEqual([1, 2]);
    expect(await free()).toBeGreaterThan(0);
    expect(readdirSync(snapshots).sort()).toEqual(["1", "2", "lost+found"]);
  });

  test("removes once and again, also what it had begun to remove", async () => {
    const one = backend(name);
    await one.create(folder(1, "active"));
    await one.remove(1);
    await one.remove(1);
    const snapshots = join(one.rootDir, "snapshots");
    mkdirSync(join(snapshots, "rm-1/x"), { recursive: true });
    await one.remove(1);
    expect(readdirSync(snapshots)).toEqual([]);
    expect(await one.usage(1)).toEqual({ sizeBytes: 0, inodes: 0 });
  });

  test("leaves nothing of a creation that fails", async () => {
    const one = backend(name);
    await expect(one.create(folder(2, "active", 1))).rejects.toThrow(/ENOENT/);
    expect(await one.list()).toEqual([]);
  });
});

describe("usage", () => {
  test("counts blocks and inodes, files of several names once, the root itself too", async () => {
    const root = join(dir, "root");
    mkdirSync(join(root, "d"), { recursive: true });
    writeFileSync(join(root, "a"), "x".repeat(10_000));
    linkSync(join(root, "a"), join(root, "d/b"));
    chmodSync(join(root, "d"), 0o700);
    const blocks = [root, join(root, "a"), join(root, "d")].reduce((sum, path) => sum + lstatSync(path).blocks, 0);
    expect(await diskUsage(root)).toEqual({ sizeBytes: blocks * 512, inodes: 3 });
  });
});

describe("mappings of ids", () => {
  const [uid, gid] = ["containerd.io/snapshot/uidmapping", "containerd.io/snapshot/gidmapping"];

  test.each([
    [{}, undefined],
    [{ [uid]: "0:1:1" }, undefined],
    [
      { [uid]: "0:1:1", [gid]: "0:2:1" },
      { uid: 1, gid: 2 },
    ],
    [
      { [uid]: "5:1:1,0:9:2", [gid]: "0:2:1" },
      { uid: 9, gid: 2 },
    ],
  ])("%j give %j", (labels, want) => {
    expect(mappedOwner(labels)).toEqual(want);
  });

  test.each(["", "0", "0:1", "0:1:0", "1:2:3", "0:4294967295:1", "0:-1:1", "0:1:1,"])("%j is refused", (mapping) => {
    expect(() => mappedOwner({ [uid]: mapping, [gid]: "0:0:1" })).toThrow(
      /^label .*: no mapping of id 0 in ".*": invalid argument$/,
    );
  });
});
