// Bundles on a real file system; mounting needs root.
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requires } from "../test/helpers/requires.js";
import { bundleOf, createBundle, detachBundle, removeBundle, removeLeftovers, TASK_PLUGIN } from "./bundle.js";
import { mount, unmount } from "./sys/mount.js";

let dir: string;
const roots = () => ({ rootDir: join(dir, "root"), stateDir: join(dir, "state") });
const spec = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "berth-bundle-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe("a bundle", () => {
  test("has its folders, its modes, and the spec byte by byte", async () => {
    const bytes = Buffer.from('{ "unknown":1,\n"a" : 2 }');
    const bundle = await createBundle(roots(), "ns", "c", bytes);
    expect(bundle.path).toBe(join(dir, "state", TASK_PLUGIN, "ns", "c"));
    expect((await readdir(bundle.path)).sort()).toEqual(["config.json", "rootfs", "work"]);
    expect(await readFile(join(bundle.path, "config.json"))).toEqual(bytes);
    expect(await readlink(join(bundle.path, "work"))).toBe(join(dir, "root", TASK_PLUGIN, "ns", "c"));
    expect(await modeOf(bundle.path)).toBe(0o700);
    for (const path of [
      join(bundle.path, "rootfs"),
      bundle.workPath,
      join(bundle.path, ".."),
      join(bundle.path, "../.."),
    ]) {
      expect(await modeOf(path)).toBe(0o711);
    }
  });

  test.skipIf(requires.root())("is open to the group that is root inside", async () => {
    const mapped = spec({ linux: { gidMappings: [{ containerID: 0, hostID: 4242, size: 1 }] } });
    const bundle = await createBundle(roots(), "ns", "c", mapped);
    expect(await modeOf(bundle.path)).toBe(0o710);
    expect((await stat(bundle.path)).gid).toBe(4242);
  });

  test("is made once, over an old work folder", async () => {
    const { workPath, path } = bundleOf(roots(), "ns", "c");
    await mkdir(workPath, { recursive: true });
    await writeFile(join(workPath, "old"), "");
    await createBundle(roots(), "ns", "c", spec({}));
    expect(await readdir(workPath)).toEqual([]);
    await expect(createBundle(roots(), "ns", "c", spec({}))).rejects.toMatchObject({
      kind: "unknown",
      message: `mkdir ${path}: file exists`,
    });
    expect(await readdir(path)).toContain("config.json");
  });

  test.each([
    ["ns", "../c"],
    ["..", "c"],
    ["ns", ""],
    ["ns", ".hidden"],
  ])("of %j/%j has no path", async (namespace, id) => {
    await expect(createBundle(roots(), namespace, id, spec({}))).rejects.toMatchObject({ kind: "invalid_argument" });
  });

  test("of a spec that is no JSON is not made", async () => {
    await expect(createBundle(roots(), "ns", "c", Buffer.from("{"))).rejects.toMatchObject({ kind: "unknown" });
    await expect(stat(bundleOf(roots(), "ns", "c").path)).rejects.toMatchObject({ code: "ENOENT" });
  });
});

describe("removal", () => {
  test.skipIf(requires.root())("frees the name before the files are gone, and unmounts first", async () => {
    const source = join(dir, "precious");
    await mkdir(source);
    await writeFile(join(source, "file"), "kept");
    const bundle = await createBundle(roots(), "ns", "c", spec({}));
    const target = join(bundle.path, "rootfs");
    mount({ type: "bind", source, target, options: ["rbind"] });
    mount({ type: "tmpfs", source: "tmpfs", target, options: [] });
    const deleteFiles = await detachBundle(bundle);
    await createBundle(roots(), "ns", "c", spec({}));
    await deleteFiles();
    expect(await readFile(join(source, "file"), "utf8")).toBe("kept");
    await removeBundle(bundle);
    await removeBundle(bundle);
    expect(await readdir(join(bundle.path, ".."))).toEqual([]);
    expect(await readdir(join(bundle.workPath, ".."))).toEqual([]);
  });

  test.skipIf(requires.root())("does not go through a mount that it cannot see off", async () => {
    const source = join(dir, "precious");
    await mkdir(source);
    await writeFile(join(source, "file"), "kept");
    const hidden = join(dir, "state", TASK_PLUGIN, "ns", ".c-1");
    await mkdir(join(hidden, "rootfs", "inner"), { recursive: true });
    const target = join(hidden, "rootfs", "inner");
    mount({ type: "bind", source, target, options: ["rbind"] });
    try {
      await expect(removeLeftovers(roots(), "ns")).rejects.toMatchObject({ code: "ENOTEMPTY" });
      expect(await readFile(join(source, "file"), "utf8")).toBe("kept");
    } finally {
      unmount(target);
    }
  });

  test("of leftovers keeps what has a bundle", async () => {
    const bundle = await createBundle(roots(), "ns", "c", spec({}));
    const [state, work] = [join(bundle.path, ".."), join(bundle.workPath, "..")];
    await mkdir(join(state, ".c-0", "rootfs"), { recursive: true });
    await mkdir(join(work, "orphan"));
    await mkdir(join(work, ".c-0"));
    await removeLeftovers(roots(), "ns");
    await removeLeftovers(roots(), "other");
    expect(await readdir(state)).toEqual(["c"]);
    expect(await readdir(work)).toEqual(["c"]);
  });
});
