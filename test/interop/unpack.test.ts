// Images unpacked on berthd, their layers side by side, and on a real containerd, one over the other as it must be there, make the same
// trees.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { parseManifest } from "../../api/client/distribution/manifest.js";
import { unpack } from "../../api/client/distribution/unpack.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { manyFiles } from "../bench/layers.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { type TestLayer, testImage, testLayer } from "../helpers/image.js";
import { EVERYTHING, ingest } from "../helpers/layers.js";
import { mounted } from "../helpers/mounted.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { describeTree } from "../helpers/tree.js";

const lacking = requires.root() || requires.binary("containerd");
const SNAPSHOTTER = "overlayfs";
const IMPLIED = [
  [
    { name: "etc/", type: "5", mode: 0o750, uid: 3, gid: 4, pax: { "SCHILY.xattr.user.note": "below" } },
    { name: "etc/deep/", type: "5", mode: 0o711 },
    { name: "etc/deep/file", body: "1" },
    { name: "etc/gone", body: "1" },
  ],
  [{ name: "etc/deep/other", body: "2" }, { name: "etc/.wh.gone" }],
  [
    { name: "etc/deep/third", body: "3" },
    { name: "fresh/file", body: "3" },
  ],
  [{ name: "etc/deep/.wh..wh..opq" }, { name: "etc/deep/only", body: "4" }],
];

describe.skipIf(lacking)("unpacked images", () => {
  const scope = new DisposeScope();
  let ours: Client;
  let theirs: Client;
  const startedMs = Date.now() - 1000;

  beforeAll(async () => {
    theirs = scope.use(connect({ address: (await startContainerd(scope)).address }));
    const config = 'parallel_layers = "always"\n';
    ours = scope.use(connect({ address: (await startBerthd(scope, { config })).address }));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  async function treeOf(client: Client, layers: readonly TestLayer[]): Promise<string[]> {
    const namespace = freshNamespace(scope);
    const { id: leaseId } = await client.leases.create({ namespace }, { id: "test" });
    const ctx = { namespace, leaseId };
    const { target, blobs } = testImage(layers);
    for (const { bytes, mediaType } of blobs) await ingest(client, ctx, bytes, mediaType);
    const parent = await unpack(client, ctx, parseManifest(target.bytes, target), { snapshotter: SNAPSHOTTER });
    const mounts = await client.snapshots.get(SNAPSHOTTER).view(ctx, "look", { parent });
    return await mounted(mounts, async (path) => describeTree(path, { recentMs: startedMs }));
  }

  test.each<[string, readonly TestLayer[]]>([
    ["something of everything", EVERYTHING.map((entries) => testLayer(entries))],
    ["folders that are not described", IMPLIED.map((entries) => testLayer(entries))],
    ["many files", manyFiles(1200, 6)],
  ])("%s", async (_name, layers) => {
    expect(await treeOf(ours, layers)).toEqual(await treeOf(theirs, layers));
  });

  test("a hard link to a file of a layer below is refused by both", async () => {
    const layers = [[{ name: "file", body: "x" }], [{ name: "link", type: "1", linkName: "file" }]];
    for (const client of [ours, theirs]) {
      await expect(
        treeOf(
          client,
          layers.map((entries) => testLayer(entries)),
        ),
      ).rejects.toThrow(/no such file|ENOENT/);
    }
  });

  test("only berthd is asked for layers side by side, and only of overlays", async () => {
    const ctx = { namespace: freshNamespace(scope) };
    const answers = [ours, theirs].map((client) =>
      ["overlayfs", "native"].map((name) => client.snapshots.get(name).layersApart(ctx)),
    );
    expect(await Promise.all(answers.flat())).toEqual([true, false, false, false]);
  });
});
