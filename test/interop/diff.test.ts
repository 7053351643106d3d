// The same layers on a real containerd and on berthd make the same trees, entry by entry; what changed in a snapshot becomes the
// same layer, and unpacking that makes the tree again. Each with each other's layers.
import {
  chmodSync,
  chownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import type { RequestContext } from "../../api/core/context.js";
import type { Descriptor } from "../../api/core/descriptor.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { makeNode } from "../../runtime/sys/inode.js";
import { setXattr } from "../../runtime/sys/xattr.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { listLayer, readBlob } from "../helpers/layer-entries.js";
import { EVERYTHING, GZIP_LAYER, ingest } from "../helpers/layers.js";
import { mounted } from "../helpers/mounted.js";
import { requires } from "../helpers/requires.js";
import { tarOf } from "../helpers/tar.js";
import { freshNamespace } from "../helpers/temp.js";
import { describeTree } from "../helpers/tree.js";

const lacking = requires.root() || requires.binary("containerd");
const CAPABILITY = Buffer.from("0100000200200000000000000000000000000000", "hex");
const LAYERS = EVERYTHING.map((entries) => gzipSync(tarOf(...entries)));
const PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar";

/** One engine, and what was made on it. */
interface Side {
  readonly client: Client;
  readonly ctx: RequestContext;
}

/** Unpacks layers one over the other; the snapshots are named by `name` and their number. */
async function unpack(
  { client, ctx }: Side,
  snapshotter: string,
  layers: readonly Buffer[],
  name: string,
): Promise<Descriptor[]> {
  const snapshots = client.snapshots.get(snapshotter);
  const applied: Descriptor[] = [];
  for (const [index, bytes] of layers.entries()) {
    const layer = await ingest(client, ctx, bytes);
    const parent = index === 0 ? "" : `${name}-${index - 1}`;
    const mounts = await snapshots.prepare(ctx, `${name}-key`, { parent });
    applied.push(await client.diff.apply(ctx, layer, mounts));
    await snapshots.commit(ctx, `${name}-${index}`, `${name}-key`);
  }
  return applied;
}

async function treeOf({ client, ctx }: Side, snapshotter: string, parent: string, recentMs: number): Promise<string[]> {
  const snapshots = client.snapshots.get(snapshotter);
  const mounts = await snapshots.view(ctx, "look", { parent });
  try {
    return await mounted(mounts, (path) => describeTree(path, { recentMs }));
  } finally {
    await snapshots.remove(ctx, "look");
  }
}

const read = ({ client, ctx }: Side, { digest }: Descriptor): Promise<Buffer> => readBlob(client, ctx, digest);

/** Every kind of change. */
function change(root: string): void {
  const at = (name: string): string => join(root, name);
  writeFileSync(at("bin/sh"), "changed");
  setXattr(at("bin/sh"), "security.capability", CAPABILITY);
  setXattr(at("bin/sh"), "user.lost", Buffer.from("x"));
  rmSync(at("opaque"), { recursive: true });
  mkdirSync(at("opaque"));
  writeFileSync(at("opaque/fresh"), "fresh");
  rmSync(at("gone"));
  chmodSync(at("owner"), 0o600);
  chownSync(at("xattrs"), 5, 6);
  symlinkSync("/etc/passwd", at("new-link"));
  mkdirSync(at("new/deep/folder"), { recursive: true });
  writeFileSync(at("new/deep/one"), "1");
  linkSync(at("new/deep/one"), at("new/two"));
  linkSync(at("twice"), at("twice-link"));
  makeNode(at("new/fifo"), 0o10644, 0);
  makeNode(at("new/device"), 0o20600, 0x0503);
  rmSync(at("folder-to-file"));
  mkdirSync(at("folder-to-file"));
  writeFileSync(at(`new/${"n".repeat(150)}`), "long name");
  for (const name of ["bin/sh", "opaque/fresh", "new/deep/one", "new/fifo", `new/${"n".repeat(150)}`]) {
    utimesSync(at(name), 1_500_000_000, 1_500_000_000);
  }
  lutimesSync(at("new-link"), 1_500_000_000, 1_500_000_000);
}

describe.skipIf(lacking)("diffs", () => {
  const scope = new DisposeScope();
  let ours: Side;
  let theirs: Side;
  const startedMs = Date.now() - 1000;

  beforeAll(async () => {
    const open = async (address: string): Promise<Side> => {
      const namespace = freshNamespace(scope);
      const client = scope.use(connect({ address, namespace }));
      const lease = await client.leases.create({ namespace }, { id: "test" });
      return { client, ctx: { namespace, leaseId: lease.id } };
    };
    theirs = await open((await startContainerd(scope)).address);
    ours = await open((await startBerthd(scope)).address);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  test.each(["overlayfs", "native"])("the same layers make the same tree (%s)", async (snapshotter) => {
    const [expected, actual] = await Promise.all(
      [theirs, ours].map((side) => unpack(side, snapshotter, LAYERS, `same-${snapshotter}`)),
    );
    expect(actual).toEqual(expected);
    for (const index of LAYERS.keys()) {
      const want = await treeOf(theirs, snapshotter, `same-${snapshotter}-${index}`, startedMs);
      const have = await treeOf(ours, snapshotter, `same-${snapshotter}-${index}`, startedMs);
      // Copying a parent is the snapshotter's business: containerd's native one loses some times and links then.
      const told = snapshotter === "native" && index > 0 ? withoutTimesAndLinks : (line: string) => line;
      expect(have.map(told)).toEqual(want.map(told));
    }
  });

  test("what changed becomes the same layer, and that the same tree", async () => {
    const top = "changes-2";
    const made: { side: Side; layer: Descriptor; tree: string[]; entries: string[] }[] = [];
    for (const side of [theirs, ours]) {
      const { client, ctx } = side;
      await unpack(side, "overlayfs", LAYERS, "changes");
      const snapshots = client.snapshots.get("overlayfs");
      const right = await snapshots.prepare(ctx, "changed", { parent: top });
      await mounted(right, change);
      const left = await snapshots.view(ctx, "before", { parent: top });
      const layer = await client.diff.diff(ctx, left, right, { labels: { mine: "yes" } });
      const info = await client.content.info(ctx, layer.digest);
      expect(info.labels).toMatchObject({
        mine: "yes",
        "containerd.io/uncompressed": expect.stringMatching(/^sha256:/),
      });
      expect(layer).toMatchObject({ mediaType: GZIP_LAYER, sizeBytes: info.sizeBytes });
      await snapshots.commit(ctx, "changed-done", "changed");
      const tree = await treeOf(side, "overlayfs", "changed-done", startedMs);
      made.push({ side, layer, tree, entries: await listLayer(await read(side, layer)) });
    }
    const [want, have] = made;
    expect(have?.entries).toEqual(want?.entries);
    for (const { side, layer, tree } of made) {
      const bytes = await read(side, layer);
      await unpack(side, "overlayfs", [...LAYERS, bytes], "again");
      const again = await treeOf(side, "overlayfs", "again-3", startedMs);
      expect(again.map(withoutFractions)).toEqual(tree.map(withoutFractions));
    }
  });

  test("the same diff twice is the same blob, plain and with zstd too", async () => {
    const { client, ctx } = ours;
    await unpack(ours, "overlayfs", LAYERS.slice(0, 1), "twice");
    const right = await client.snapshots.get("overlayfs").view(ctx, "twice-view", { parent: "twice-0" });
    const plain = await client.diff.diff(ctx, [], right, { mediaType: PLAIN_LAYER });
    const [first, second] = [
      await client.diff.diff(ctx, [], right),
      await client.diff.diff(ctx, [], right, { ref: "own" }),
    ];
    expect(second).toEqual(first);
    const zstd = await client.diff.diff(ctx, [], right, { mediaType: `${PLAIN_LAYER}+zstd` });
    for (const layer of [first, zstd]) {
      const { labels } = await client.content.info(ctx, layer.digest);
      expect(labels["containerd.io/uncompressed"]).toBe(plain.digest);
    }
    expect(gunzipSync(await read(ours, first)).equals(await read(ours, plain))).toBe(true);
    const mounts = await client.snapshots.get("overlayfs").prepare(ctx, "from-zstd");
    await expect(client.diff.apply(ctx, zstd, mounts)).resolves.toEqual(plain);
    const nothing = await client.diff.diff(ctx, right, right, { mediaType: PLAIN_LAYER });
    expect(nothing.sizeBytes).toBe(1024);
  });

  test.each([
    ["an unknown layer", "sha256:".padEnd(71, "0"), GZIP_LAYER],
    ["a type that is no layer", undefined, "application/x-nothing"],
    ["gzip that is not looked at", undefined, PLAIN_LAYER],
  ])("%s is refused alike", async (_, digest, mediaType) => {
    const refuse = async ({ client, ctx }: Side): Promise<string> => {
      const layer = await ingest(client, ctx, LAYERS[2] ?? Buffer.alloc(0), mediaType);
      const key = `refused-${mediaType}-${digest}`;
      const mounts = await client.snapshots.get("overlayfs").prepare(ctx, key);
      const error = await client.diff.apply(ctx, { ...layer, digest: digest ?? layer.digest }, mounts).catch(String);
      return String(error).replace(/on \/\S+:/, "on DIR:");
    };
    expect(await refuse(ours)).toBe(await refuse(theirs));
  });

  test("a diff of a type that is not made is refused alike", async () => {
    const refuse = ({ client, ctx }: Side) =>
      client.diff.diff(ctx, [], [], { mediaType: "application/x-nothing" }).catch(String);
    expect(await refuse(ours)).toBe(await refuse(theirs));
  });
});

const withoutTimesAndLinks = (line: string): string => line.replace(/ mtime=\S+/, "").replace(/ link=\S+/, "");

/** A layer has whole seconds, and of xattrs only capabilities. */
const withoutFractions = (line: string): string =>
  line.replace(/mtime=(\d+)\d{9} /, "mtime=$1 ").replace(/ user\.\S+/, "");
