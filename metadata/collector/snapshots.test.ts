// The collector and snapshots: the chains that stay, and the folders that go.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { anyOfJson, SPEC_TYPE } from "../../api/core/typeurl.js";
import { createNativeBackend } from "../../runtime/snapshotters/native/backend.js";
import { ONLY_WHEN_ASKED, temporaryMetadata } from "../../test/helpers/metadata.js";
import { tempDir } from "../../test/helpers/temp.js";
import type { LocalSnapshotStore, Metadata } from "../index.js";

const ctx: RequestContext = { namespace: "gc" };
const ROOT = { "containerd.io/gc.root": "0" };
const RUNNABLE = { runtime: { name: "io.containerd.runc.v2" }, spec: anyOfJson(SPEC_TYPE, {}) };
const PAST = "2001-01-01T00:00:00Z";

let scope: DisposeScope;
let store: Metadata;
let snapshots: LocalSnapshotStore;
let rootDir: string;

beforeEach(async () => {
  scope = new DisposeScope();
  rootDir = await tempDir(scope);
  const snapshotBackends = [createNativeBackend(rootDir)];
  store = await temporaryMetadata(scope, { snapshotBackends, collectorPolicy: ONLY_WHEN_ASKED });
  snapshots = store.snapshots.get("native");
});
afterEach(() => scope[Symbol.asyncDispose]());

async function blob(data: string, labels: Record<string, string> = {}): Promise<string> {
  await using writer = await store.content.openWriter(ctx, { ref: data });
  await writer.write(Buffer.from(data));
  return await writer.commit({ labels });
}

/** Snapshots by names, each on the one before. */
async function chain(...names: string[]): Promise<void> {
  let parent = "";
  for (const name of names) {
    await snapshots.prepare(ctx, `${name}-key`, { parent });
    await snapshots.commit(ctx, name, `${name}-key`);
    parent = name;
  }
}

/** Names that a run leaves; there are as many folders. */
async function left(): Promise<string[]> {
  await store.collector.collect();
  const names: string[] = [];
  for await (const page of snapshots.list(ctx)) names.push(...page.map(({ name }) => name));
  expect(await readdir(join(rootDir, "snapshots"))).toHaveLength(names.length);
  return names.sort();
}

test("one that nothing holds goes", async () => {
  await snapshots.prepare(ctx, "loose");
  expect(await left()).toEqual([]);
});

test("labels of a root name others, by any key", async () => {
  const labels = {
    ...ROOT,
    "containerd.io/gc.ref.snapshot.native": "b",
    "containerd.io/gc.ref.snapshot.native/2": "c",
  };
  await snapshots.prepare(ctx, "a", { labels });
  for (const key of ["b", "c", "d"]) await snapshots.prepare(ctx, key);
  expect(await left()).toEqual(["a", "b", "c"]);
});

test("the root label counts by its beginning", async () => {
  await snapshots.prepare(ctx, "r", { labels: { "containerd.io/gc.rootx": "1" } });
  expect(await left()).toEqual(["r"]);
});

test("a lease follows one through its commit", async () => {
  await store.leases.create(ctx, { id: "l" });
  const leased = { ...ctx, leaseId: "l" };
  await snapshots.prepare(leased, "s");
  await snapshots.commit(leased, "n", "s");
  expect(await store.leases.listResources(ctx, "l")).toEqual([{ type: "snapshots/native", id: "n" }]);
  expect(await left()).toEqual(["n"]);
  await store.leases.delete(ctx, "l", { sync: true });
  expect(await left()).toEqual([]);
});

test.each([
  [PAST, []],
  ["garbage", ["k"]],
])("a lease that expires at %s leaves %j", async (expire, names) => {
  await store.leases.create(ctx, { id: "l", labels: { "containerd.io/gc.expire": expire } });
  await snapshots.prepare({ ...ctx, leaseId: "l" }, "k");
  expect(await left()).toEqual(names);
});

test("a child goes, its parent stays and can be removed", async () => {
  await snapshots.prepare(ctx, "key");
  await snapshots.commit(ctx, "base", "key", { labels: ROOT });
  await snapshots.prepare(ctx, "child", { parent: "base" });
  expect(await left()).toEqual(["base"]);
  await snapshots.remove(ctx, "base");
  expect(await left()).toEqual([]);
});

describe("of an image", () => {
  beforeEach(async () => {
    await chain("low", "top");
    const config = await blob("config", { "containerd.io/gc.ref.snapshot.native": "top" });
    const manifest = await blob("manifest", { "containerd.io/gc.ref.content.config": config });
    const digest = await blob("index", { "containerd.io/gc.ref.content.0": manifest });
    const target = { mediaType: "m", digest, sizeBytes: 5, annotations: {} };
    await store.images.create(ctx, { name: "i", target });
  });

  test("the whole chain stays, and goes with it", async () => {
    expect(await left()).toEqual(["low", "top"]);
    await store.images.delete(ctx, "i", { sync: true });
    expect(await left()).toEqual([]);
  });

  test("a flat lease on the index does not hold it", async () => {
    const { target } = await store.images.get(ctx, "i");
    await store.leases.create(ctx, { id: "flat", labels: { "containerd.io/gc.flat": "1" } });
    await store.leases.addResource(ctx, "flat", { type: "content", id: target.digest });
    await store.images.delete(ctx, "i", { sync: true });
    expect(await left()).toEqual([]);
    expect((await store.content.info(ctx, target.digest)).digest).toBe(target.digest);
  });
});

test("a flat lease on a snapshot holds those below and none that its labels name", async () => {
  await chain("low", "top");
  await snapshots.prepare(ctx, "named");
  const labels = { "containerd.io/gc.ref.snapshot.native": "named" };
  await snapshots.update(ctx, { name: "top", labels }, ["labels"]);
  await store.leases.create(ctx, { id: "flat", labels: { "containerd.io/gc.flat": "1" } });
  await store.leases.addResource(ctx, "flat", { type: "snapshots/native", id: "top" });
  expect(await left()).toEqual(["low", "top"]);
});

test("a container holds its chain, and not the content of the image it names", async () => {
  await chain("low", "top");
  await snapshots.prepare(ctx, "rw", { parent: "top" });
  const digest = await blob("target");
  const target = { mediaType: "m", digest, sizeBytes: 6, annotations: {} };
  await store.images.create(ctx, { name: "i", target });
  await store.containers.create(ctx, { id: "c", image: "i", snapshotter: "native", snapshotKey: "rw", ...RUNNABLE });
  await store.images.delete(ctx, "i", { sync: true });
  expect(await left()).toEqual(["low", "rw", "top"]);
  expect((await store.collector.explain(ctx, "low")).map((steps) => steps.map(({ by }) => by))).toEqual([
    ["containers stay until they are deleted", "snapshot of container", "parent of snapshot", "parent of snapshot"],
  ]);
  await expect(store.content.info(ctx, digest)).rejects.toThrow(/not found/);
  await store.containers.delete(ctx, "c");
  expect(await left()).toEqual([]);
});

test("references back and conditions hold, or do not", async () => {
  await store.containers.create(ctx, { id: "c", ...RUNNABLE });
  const back = (name: string, id: string) =>
    snapshots.prepare(ctx, name, { labels: { "containerd.io/gc.bref.container": id } });
  await back("of-c", "c");
  await back("of-none", "none");
  const used = new Date(Date.now() - 3_600_000).toISOString();
  await snapshots.prepare(ctx, "used", { labels: { "containerd.io/gc.cond.value-usedat": used } });
  const condition = (age: string) => ({ ...ROOT, "containerd.io/gc.cond.snapshot.native": `usedat<${age}|used` });
  const digest = await blob("root", condition("2h"));
  expect(await left()).toEqual(["of-c", "used"]);
  await store.content.update(ctx, { digest, labels: condition("30m") }, ["labels"]);
  expect(await left()).toEqual(["of-c"]);
});
