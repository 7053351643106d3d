// The differ as a daemon has it: several layers at a time in threads, the event loop free meanwhile, jobs that are given up, disks
// that are full, and what a predecessor left mounted.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RequestContext } from "../../api/core/context.js";
import type { Descriptor } from "../../api/core/descriptor.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { errorKind } from "../../api/core/errors.js";
import type { Mount } from "../../api/core/task.js";
import type { Metadata } from "../../metadata/index.js";
import { openContentBackend } from "../../runtime/content/backend.js";
import { createDiffer, type LocalDiffer } from "../../runtime/diff/differ.js";
import { listMountPoints, mount } from "../../runtime/sys/mount.js";
import { ingest, layerSet } from "../helpers/layers.js";
import { temporaryMetadata } from "../helpers/metadata.js";
import { requires } from "../helpers/requires.js";
import { smallDisk } from "../helpers/small-disk.js";
import { tarOf } from "../helpers/tar.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { describeTree } from "../helpers/tree.js";

const FILES = 30_000;
const LAYERS = 12;

describe.skipIf(requires.root())("the differ", () => {
  let scope: DisposeScope;
  let dir: string;
  let ctx: RequestContext;
  let metadata: Metadata;
  let differ: LocalDiffer;
  const tempMounts = (): string => join(dir, "tmpmounts");

  beforeEach(async () => {
    scope = new DisposeScope();
    dir = await tempDir(scope);
    ctx = { namespace: freshNamespace(scope) };
    const content = await openContentBackend({ rootDir: join(dir, "content") });
    metadata = await temporaryMetadata(scope, { root: join(dir, "store"), content });
    // Without a lease the collector might take the layers away.
    ctx = { ...ctx, leaseId: (await metadata.leases.create(ctx, { id: "test" })).id };
    const blobPath = (digest: string): string => content.path(digest);
    differ = scope.use(await createDiffer({ content: metadata.content, blobPath, tempDir: tempMounts() }));
  });
  afterEach(async () => {
    const left = listMountPoints().filter((path) => path.startsWith(tempMounts()));
    const folders = readdirSync(tempMounts());
    await scope[Symbol.asyncDispose]();
    expect(left).toEqual([]);
    expect(folders).toEqual([]);
  });

  const put = (bytes: Buffer): Promise<Descriptor> => ingest(metadata, ctx, bytes);
  function folder(name: string): string {
    const path = join(dir, name);
    mkdirSync(path);
    return path;
  }
  const bind = (source: string): Mount[] => [{ type: "bind", source, options: ["rbind", "rw"] }];

  test(`${FILES} files in ${LAYERS} layers at a time, while the event loop turns`, async () => {
    const layers = await Promise.all(layerSet(FILES, LAYERS).map(put));
    const roots = layers.map((_, index) => folder(`root-${index}`));
    let done = false;
    let turns = 0;
    const spin = async (): Promise<void> => {
      for (; !done; turns += 1) await nextTurn();
    };
    const spinning = spin();
    const applied = await Promise.all(layers.map((layer, index) => differ.apply(ctx, layer, bind(roots[index] ?? ""))));
    done = true;
    await spinning;
    expect(new Set(applied.map(({ digest }) => digest)).size).toBe(LAYERS);
    const files = roots.flatMap((root) => describeTree(root)).filter((line) => / 100\d+ /.test(line));
    expect(files).toHaveLength(FILES);
    // Were the work on this thread, it would turn a few times for each layer.
    expect(turns).toBeGreaterThan(1000);
  });

  test("a job that is given up ends, and the next one is done", async () => {
    const bomb = await put(gzipSync(tarOf({ name: "zeros", body: Buffer.alloc(300_000_000) }), { level: 1 }));
    const root = folder("root");
    const abort = new AbortController();
    const given = differ.apply({ ...ctx, signal: abort.signal }, bomb, bind(root));
    setTimeout(() => abort.abort(), 50);
    await expect(given).rejects.toThrow(expect.objectContaining({ name: "AbortError" }));
    const layer = await put(gzipSync(tarOf({ name: "next", body: "x" })));
    await differ.apply(ctx, layer, bind(root));
    expect(existsSync(join(root, "next"))).toBe(true);
    await expect(differ.apply({ ...ctx, signal: AbortSignal.abort() }, layer, bind(root))).rejects.toThrow("aborted");
  });

  test("a full disk is told as such", async () => {
    const disk = await smallDisk(scope, 8 * 1024 * 1024);
    const bomb = await put(gzipSync(tarOf({ name: "zeros", body: Buffer.alloc(50_000_000, 1) }), { level: 1 }));
    const error: unknown = await differ.apply(ctx, bomb, bind(disk)).catch((caught: unknown) => caught);
    expect(errorKind(error)).toBe("resource_exhausted");
    expect(String(error)).toMatch(/no space left on device/);
  });

  test.each([
    ["no mounts", [], /needs mounts/],
    [
      "an overlay without an upper folder",
      [{ type: "overlay", source: "overlay", options: ["lowerdir=/a:/b"] }],
      /upperdir/,
    ],
    ["a mount inside another", [{ type: "bind", source: "/", target: "etc", options: [] }], /target/],
  ] as const)("%s: refused", async (_, mounts, message) => {
    const layer = await put(gzipSync(tarOf({ name: "a" })));
    await expect(differ.apply(ctx, layer, mounts)).rejects.toThrow(message);
  });

  test("a mount that fails leaves nothing", async () => {
    const layer = await put(gzipSync(tarOf({ name: "a" })));
    const mounts = [...bind(folder("root")), ...bind(join(dir, "not-there"))];
    await expect(differ.apply(ctx, layer, mounts)).rejects.toThrow(/ENOENT/);
    await expect(differ.diff(ctx, mounts, [])).rejects.toThrow(/ENOENT/);
  });

  test("a diff of an overlay with more folders than a page of options holds", async () => {
    const lowers = Array.from({ length: 80 }, (_, index) => folder(`lower-${index}-${"x".repeat(60)}`));
    for (const [index, path] of lowers.entries()) writeFileSync(join(path, `file-${index}`), "x");
    const options = [`lowerdir=${lowers.join(":")}`, `upperdir=${folder("upper")}`, `workdir=${folder("work")}`];
    writeFileSync(join(dir, "upper", "changed"), "x");
    const left = [{ type: "overlay", source: "overlay", options: options.slice(0, 1) }];
    const layer = await differ.diff(ctx, left, [{ type: "overlay", source: "overlay", options }]);
    const root = folder("root");
    await differ.apply(ctx, layer, bind(root));
    expect(readdirSync(root)).toEqual(["changed"]);
  });

  test("an empty blob is an empty layer", async () => {
    const layer = await put(Buffer.alloc(0));
    await expect(differ.apply(ctx, layer, bind(folder("root")))).resolves.toMatchObject({ sizeBytes: 0 });
  });

  test("what a predecessor left mounted goes when the next one starts", async () => {
    const left = join(tempMounts(), "berth-mount-left");
    mkdirSync(left);
    mount({ type: "bind", source: folder("precious"), target: left, options: ["bind"] });
    mkdirSync(join(dir, "precious", "kept"));
    // Not ours to delete, whatever it is; and no reason not to start.
    mkdirSync(join(tempMounts(), "full", "kept"), { recursive: true });
    await using next = await createDiffer({ content: metadata.content, blobPath: String, tempDir: tempMounts() });
    expect(next).toBeDefined();
    expect(existsSync(left)).toBe(false);
    expect(existsSync(join(tempMounts(), "full", "kept"))).toBe(true);
    rmSync(join(tempMounts(), "full"), { recursive: true });
    expect(readdirSync(join(dir, "precious"))).toEqual(["kept"]);
  });
});
