// Layers that are unpacked side by side and put onto each other afterwards make the same trees as those that are unpacked one over the
// other, whatever they leave to what is below.
import { execFileSync } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { type Manifest, parseManifest } from "../../api/client/distribution/manifest.js";
import { chainIds, unpack } from "../../api/client/distribution/unpack.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { Snapshotters } from "../../api/core/snapshot.js";
import { manyFiles } from "../bench/layers.js";
import { startBerthd } from "../helpers/daemon.js";
import { type TestLayer, testImage, testLayer } from "../helpers/image.js";
import { EVERYTHING, ingest } from "../helpers/layers.js";
import { mounted } from "../helpers/mounted.js";
import { seeded } from "../helpers/random.js";
import { requires } from "../helpers/requires.js";
import type { RawEntry } from "../helpers/tar.js";
import { freshNamespace } from "../helpers/temp.js";
import { describeTree } from "../helpers/tree.js";
import { until } from "../helpers/until.js";

const SNAPSHOTTER = "overlayfs";
const ALWAYS = 'parallel_layers = "always"\n';

const folder = (name: string, more: Partial<RawEntry> = {}): RawEntry => ({ name: `${name}/`, type: "5", ...more });
const file = (name: string, more: Partial<RawEntry> = {}): RawEntry => ({ name, body: name, ...more });

const BELOW: readonly RawEntry[] = [
  folder("etc", { mode: 0o700, uid: 5, gid: 6, mtime: 1_400_000_000, pax: { "SCHILY.xattr.user.kept": "below" } }),
  file("etc/passwd"),
  folder("etc/deep", { mode: 0o711, uid: 7 }),
  folder("etc/deep/er", { mode: 0o500 }),
  folder("usr/lib", { mode: 0o750, gid: 9 }),
  { name: "lib", type: "2", linkName: "usr/lib" },
  file("was-file"),
  folder("sticky", { mode: 0o1777 }),
];

const CASES: Readonly<Record<string, readonly (readonly RawEntry[])[]>> = {
  everything: EVERYTHING,
  "everything twice over": [...EVERYTHING, ...EVERYTHING],
  "folders that are not described": [
    BELOW,
    [file("etc/deep/er/new"), file("usr/lib/x"), file("usr/new/x"), file("sticky/s")],
  ],
  "the same over several layers": [
    BELOW,
    [file("etc/a")],
    [file("etc/deep/b")],
    [file("etc/deep/c"), file("fresh/d")],
    [file("fresh/e")],
  ],
  "described after it was needed": [
    BELOW,
    [file("etc/deep/x"), folder("etc", { mode: 0o755, uid: 1, pax: { "SCHILY.xattr.user.own": "above" } })],
  ],
  "described again with another value": [
    BELOW,
    [file("etc/x"), folder("etc", { pax: { "SCHILY.xattr.user.kept": "above" } })],
  ],
  "only a sign in it": [BELOW, [{ name: "etc/.wh..wh..opq" }]],
  "only a name less in it": [BELOW, [{ name: "etc/deep/.wh.er" }]],
  "removed, then made again": [BELOW, [{ name: ".wh.etc" }], [file("etc/x")], [file("etc/deep/y")]],
  "another thing, then needed anew": [BELOW, [file("etc/x"), file("etc"), folder("etc"), file("etc/y")]],
  "by way of a link below": [BELOW, [file("lib/by-link")], [file("usr/lib/direct")]],
  "a file below": [BELOW, [file("was-file/x")], [file("was-file/y")]],
  "hard links": [BELOW, [file("etc/one"), { name: "etc/deep/two", type: "1", linkName: "etc/one" }]],
  "a group that is given on": [[folder("mail", { mode: 0o2775, gid: 8 })], [file("mail/new/x")], [file("mail/new/y")]],
  "the same layer more than once": [BELOW, [file("etc/x")], [file("etc/x")]],
};

/** Layers of a case that cannot be put onto their parent, and are unpacked over it in a second try. */
const MUST_LIE_ON_PARENT: Readonly<Record<string, number>> = { "a group that is given on": 2 };

/** Entries that want each other's names, most of them without their folders. */
function byChance(seed: number): RawEntry[][] {
  const random = seeded(seed);
  const name = (): string => Array.from({ length: random.between(1, 4) }, () => random.pick(["a", "b", "c"])).join("/");
  return Array.from({ length: 4 }, () =>
    Array.from({ length: random.between(2, 9) }, (): RawEntry => {
      const path = name();
      const mode = random.pick([0o755, 0o700, 0o1777, 0o2755]);
      return random.pick<RawEntry>([
        file(path, { mode, uid: random.between(0, 4) }),
        folder(path, {
          mode,
          uid: random.between(0, 4),
          pax: { [`SCHILY.xattr.user.${random.pick(["x", "y"])}`]: path },
        }),
        folder(path, { mode, gid: random.between(0, 4) }),
        { name: path.replace(/[^/]+$/, (base) => `.wh.${base}`) },
        { name: `${path}/.wh..wh..opq` },
      ]);
    }),
  );
}

describe.skipIf(requires.root())("layers filled side by side", () => {
  const scope = new DisposeScope();
  let client: Client;
  const startedMs = Date.now() - 1000;

  beforeAll(async () => {
    const { address } = await startBerthd(scope, { config: ALWAYS });
    client = scope.use(connect({ address }));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  async function freshContext(): Promise<RequestContext> {
    const namespace = freshNamespace(scope);
    const lease = await client.leases.create({ namespace }, { id: "test" });
    return { namespace, leaseId: lease.id };
  }

  function told(path: string): string[] {
    try {
      return [`root ${execFileSync("stat", ["-c", "%a %u %g", path])}`, ...describeTree(path, { recentMs: startedMs })];
    } catch (error) {
      // Where a sign for "gone" lies over nothing, the kernel lists a name that is not there.
      return [error instanceof Error ? error.message.replace(/'.*\/berth-mounted-[^/]+/, "") : String(error)];
    }
  }

  /** The stores of the client, and how many snapshots are prepared through them: in all, and apart from any parent. */
  function counting() {
    const counts = { prepared: 0, apart: 0 };
    const snapshots: Snapshotters = {
      get: (name) => {
        const store = client.snapshots.get(name);
        return new Proxy(store, {
          get(_target, property) {
            if (property !== "prepare") return Reflect.get(store, property).bind(store);
            return async (...args: Parameters<typeof store.prepare>) => {
              const mounts = await store.prepare(...args);
              counts.prepared += 1;
              if (mounts[0]?.options.some((option) => option.endsWith("/empty")) === true) counts.apart += 1;
              return mounts;
            };
          },
        });
      },
    };
    const { content, images, leases, diff } = client;
    return { counts, stores: { content, images, leases, diff, snapshots } };
  }

  /** Unpacks and tells the tree of every layer, or that it failed. `again`: layers that had to be unpacked over their parents after all. */
  async function outcome(layers: readonly TestLayer[], layersAtOnce: number) {
    const ctx = await freshContext();
    const manifest = await stored(ctx, layers);
    const { counts, stores } = counting();
    // Of layers that are bad in several ways, whichever is noticed first fails all.
    const hasFailed = await unpack(stores, ctx, manifest, { snapshotter: SNAPSHOTTER, layersAtOnce }).then(
      () => false,
      () => true,
    );
    if (hasFailed) return { trees: "failed", again: 0 };
    expect(counts.apart).toBe(layersAtOnce > 1 ? layers.length - 1 : 0);
    const trees: string[][] = [];
    const store = client.snapshots.get(SNAPSHOTTER);
    for (const parent of chainIds(layers.map(({ diffId }) => diffId))) {
      expect((await store.stat(ctx, parent)).kind).toBe("committed");
      const mounts = await store.view(ctx, "look", { parent });
      trees.push(await mounted(mounts, async (path) => told(path)));
      await store.remove(ctx, "look");
    }
    expect(trees.flat().filter((line) => line.includes("berth"))).toEqual([]);
    return { trees, again: counts.prepared - layers.length };
  }

  async function stored(ctx: RequestContext, layers: readonly TestLayer[]): Promise<Manifest> {
    const { target, blobs } = testImage(layers);
    for (const { bytes, mediaType } of blobs) await ingest(client, ctx, bytes, mediaType);
    return parseManifest(target.bytes, target);
  }

  test.each(Object.keys(CASES))("%s", async (name) => {
    const layers = (CASES[name] ?? []).map((entries) => testLayer(entries));
    const { trees, again } = await outcome(layers, 4);
    expect(trees).toEqual((await outcome(layers, 1)).trees);
    expect(again).toBe(MUST_LIE_ON_PARENT[name] ?? 0);
  });

  test("layers made by chance", { timeout: 120_000 }, async () => {
    for (let seed = 1; seed <= 25; seed += 1) {
      const layers = byChance(seed).map((entries) => testLayer(entries));
      expect((await outcome(layers, 4)).trees, `seed ${seed}`).toEqual((await outcome(layers, 1)).trees);
    }
  });

  test("a layer that fails takes the others along and leaves nothing", async () => {
    const ctx = await freshContext();
    const good = [testLayer([file("a")]), testLayer([file("b")]), testLayer([file("c")])];
    const bad = testLayer([{ name: "h", type: "1", linkName: "nothing" }]);
    const manifest = await stored(ctx, [...good.slice(0, 2), bad, ...good.slice(2)]);
    await expect(unpack(client, ctx, manifest, { snapshotter: SNAPSHOTTER })).rejects.toThrow(/ENOENT|no such file/);
    expect(await kindsOf(client, ctx)).not.toContain("active");
  });

  test("cancelled in the middle, nothing half filled is left, and the next time goes on", async () => {
    const ctx = await freshContext();
    const layers = manyFiles(1200, 6);
    const manifest = await stored(ctx, layers);
    const cancel = new AbortController();
    const why = new Error("lost patience");
    const onProgress = (): void => cancel.abort(why);
    const options = { snapshotter: SNAPSHOTTER, onProgress };
    await expect(unpack(client, { ...ctx, signal: cancel.signal }, manifest, options)).rejects.toBe(why);
    expect(await kindsOf(client, ctx)).not.toContain("active");
    expect(await unpack(client, ctx, manifest, { snapshotter: SNAPSHOTTER })).toBe(topOf(layers));
  });

  test("the collector takes nothing away meanwhile", async () => {
    const ctx = await freshContext();
    const layers = manyFiles(1200, 6);
    const manifest = await stored(ctx, layers);
    let isDone = false;
    const unpacking = unpack(client, ctx, manifest, { snapshotter: SNAPSHOTTER }).finally(() => {
      isDone = true;
    });
    let runs = 0;
    for (; !isDone; runs += 1) await client.collector.collect();
    expect(await unpacking).toBe(topOf(layers));
    expect(runs).toBeGreaterThan(0);
  });

  test("killed in the middle, the next daemon goes on, and leaves no folder that nobody knows", async () => {
    const killed = await startBerthd(scope, { config: ALWAYS });
    const layers = manyFiles(1200, 6);
    const { target, blobs } = testImage(layers);
    const ctx = { namespace: freshNamespace(scope), leaseId: "test" };
    const first = scope.use(connect({ address: killed.address }));
    await first.leases.create(ctx, { id: "test" });
    for (const { bytes, mediaType } of blobs) await ingest(first, ctx, bytes, mediaType);
    const manifest = parseManifest(target.bytes, target);
    let killing: Promise<unknown> | undefined;
    const onProgress = (): void => {
      killing ??= killed.kill();
    };
    await expect(unpack(first, ctx, manifest, { snapshotter: SNAPSHOTTER, onProgress })).rejects.toThrow();
    await killing;
    const { address, rootDir } = await killed.restart();
    const second = scope.use(connect({ address }));
    const begun = await kindsOf(second, ctx);
    expect(begun).toContain("active");
    await second.leases.create(ctx, { id: "other" });
    const top = await unpack(second, { ...ctx, leaseId: "other" }, manifest, { snapshotter: SNAPSHOTTER });
    expect(top).toBe(topOf(layers));
    await second.leases.delete(ctx, "test", { sync: true });
    expect(await kindsOf(second, ctx)).toEqual(layers.map(() => "committed"));
    const folders = join(rootDir, `io.containerd.snapshotter.v1.${SNAPSHOTTER}`, "snapshots");
    await until("the folders to be freed", async () => (await readdir(folders)).length === layers.length);
  });
});

const topOf = (layers: readonly TestLayer[]): string | undefined => chainIds(layers.map(({ diffId }) => diffId)).at(-1);

async function kindsOf(client: Client, ctx: RequestContext): Promise<string[]> {
  const kinds: string[] = [];
  for await (const page of client.snapshots.get(SNAPSHOTTER).list(ctx)) kinds.push(...page.map(({ kind }) => kind));
  return kinds;
}
