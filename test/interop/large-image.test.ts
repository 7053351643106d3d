// 30,000 files in 12 layers, with something of everything: what `ctr` unpacks on a real containerd and what `berth` unpacks on
// berthd, with both snapshotters, are the same trees entry by entry; and what then changes in one becomes the same layer on both,
// which makes the changed tree again wherever it is applied.
import { lstatSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { chainIds } from "../../api/client/distribution/unpack.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, type CliName, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { testImage, testLayer } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { largeImageLayers } from "../helpers/large-image.js";
import { changeLargeImage } from "../helpers/large-image-changes.js";
import { listLayer, readBlob } from "../helpers/layer-entries.js";
import { ingest } from "../helpers/layers.js";
import { mounted } from "../helpers/mounted.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { describeTree, tellTime } from "../helpers/tree.js";

const lacking = requires.root() || requires.binary("containerd") || requires.binary("ctr");
/** Of each layer. The upper ones have the most, since the native snapshotter copies all that is below a layer. */
const FILES = [...Array.from({ length: 10 }, () => 400), 9_000, 17_000];
const ALL_FILES = FILES.reduce((sum, count) => sum + count, 0);
/** For a machine that others use as well: it makes and removes more than a hundred thousand files. */
const SLOW_MS = 240_000;

/** One daemon with its own client program. */
interface Side {
  readonly cli: Cli;
  readonly client: Client;
  readonly ctx: RequestContext;
}

describe.skipIf(lacking)("a large image", () => {
  const scope = new DisposeScope();
  /** Times after it nobody chose. */
  const startedMs = Date.now() - 1000;
  let ours: Side;
  let theirs: Side;
  let archive = "";
  /** The snapshot of the uppermost layer. */
  let top = "";

  beforeAll(async () => {
    const open = async (name: CliName, start: (scope: DisposeScope) => Promise<Engine>): Promise<Side> => {
      const namespace = freshNamespace(scope);
      const engine = await start(scope);
      const client = scope.use(connect({ address: engine.address, namespace }));
      const lease = await client.leases.create({ namespace }, { id: "test" });
      return { cli: createCli(name, engine, namespace), client, ctx: { namespace, leaseId: lease.id } };
    };
    theirs = await open("ctr", startContainerd);
    ours = await open("berth", startBerthd);
    const layers = largeImageLayers(FILES).map((entries) => testLayer(entries));
    archive = join(await tempDir(scope), "large.tar");
    await writeFile(archive, ociArchive(testImage(layers), "example.com/large:1"));
    top = chainIds(layers.map(({ diffId }) => diffId)).at(-1) ?? "";
  }, SLOW_MS);
  afterAll(() => scope[Symbol.asyncDispose](), SLOW_MS);

  async function unpack({ cli }: Side, snapshotter: string): Promise<void> {
    const { code, stderr } = await cli.run(["images", "import", "--snapshotter", snapshotter, archive], {
      timeoutMs: SLOW_MS,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  }

  /** The root itself is told too. */
  function tellTree(root: string): string[] {
    const status = lstatSync(root, { bigint: true });
    const line = `. ${status.mode.toString(8)} ${status.uid}:${status.gid} ${tellTime(status, { recentMs: startedMs })}`;
    return [line, ...describeTree(root, { recentMs: startedMs })];
  }

  async function treeOf({ client, ctx }: Side, snapshotter: string, parent: string): Promise<string[]> {
    const snapshots = client.snapshots.get(snapshotter);
    const mounts = await snapshots.view(ctx, "look", { parent });
    try {
      return await mounted(mounts, tellTree);
    } finally {
      await snapshots.remove(ctx, "look");
    }
  }

  /** Changes it; answers the layer that its daemon made of that, and what `look` said of the changed tree. */
  async function change(
    { client, ctx }: Side,
    look: (root: string) => string[],
  ): Promise<{ looked: string[]; layer: Buffer }> {
    const snapshots = client.snapshots.get("overlayfs");
    const right = await snapshots.prepare(ctx, "changed", { parent: top });
    const looked = await mounted(right, (root) => {
      changeLargeImage(root, FILES);
      return look(root);
    });
    const left = await snapshots.view(ctx, "before", { parent: top });
    const { digest } = await client.diff.diff(ctx, left, right);
    return { looked, layer: await readBlob(client, ctx, digest) };
  }

  /** The unchanged tree with a layer on top. */
  async function treeAfter({ client, ctx }: Side, bytes: Buffer): Promise<string[]> {
    const snapshots = client.snapshots.get("overlayfs");
    const layer = await ingest(client, ctx, bytes);
    const mounts = await snapshots.prepare(ctx, "again", { parent: top });
    try {
      await client.diff.apply(ctx, layer, mounts);
      return await mounted(mounts, tellTree);
    } finally {
      await snapshots.remove(ctx, "again");
    }
  }

  test(
    `${ALL_FILES} files in ${FILES.length} layers are the same tree, with either snapshotter`,
    async () => {
      const ofOurs = unpack(ours, "overlayfs").then(() => unpack(ours, "native"));
      await Promise.all([unpack(theirs, "overlayfs"), ofOurs]);
      const expected = await treeOf(theirs, "overlayfs", top);
      expect(expected.filter((line) => / 10\d{4} /.test(line)).length).toBeGreaterThan(ALL_FILES * 0.9);
      expect(differences(expected, await treeOf(ours, "overlayfs", top))).toEqual([]);
      expect(differences(expected, await treeOf(ours, "native", top))).toEqual([]);
    },
    SLOW_MS,
  );

  test(
    "what changed becomes the same layer, and that the same tree",
    async () => {
      const [{ layer: want }, { layer: have, looked: changed }] = await Promise.all([
        change(theirs, () => []),
        change(ours, tellTree),
      ]);
      expect(await listLayer(have)).toEqual(await listLayer(want));
      expect(differences(changed, await treeAfter(ours, have))).toEqual([]);
      expect(differences(changed, await treeAfter(theirs, have))).toEqual([]);
    },
    SLOW_MS,
  );
});

/** The lines that only one of two has; a diff of tens of thousands of lines nobody reads. */
function differences(want: readonly string[], have: readonly string[]): string[] {
  const [wanted, had] = [new Set(want), new Set(have)];
  return [
    ...want.filter((line) => !had.has(line)).map((line) => `missing: ${line}`),
    ...have.filter((line) => !wanted.has(line)).map((line) => `too much: ${line}`),
  ].slice(0, 40);
}
