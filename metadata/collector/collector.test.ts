// The collector over a real store and real backends: what must stay stays, all else goes, each with its event and its reason.
import { randomBytes } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { REMOVAL_TOPIC, type Removal, removalCodec } from "../../api/core/collector.js";
import type { RequestContext } from "../../api/core/context.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { failure } from "../../test/conformance/failure.js";
import { ONLY_WHEN_ASKED, temporaryMetadata } from "../../test/helpers/metadata.js";
import type { Metadata } from "../index.js";

const PAST = "2001-01-01T00:00:00Z";
const LAYER = "application/vnd.oci.image.layer.v1.tar";

let scope: DisposeScope;
let store: Metadata;
const ctx: RequestContext = { namespace: "gc" };

beforeEach(async () => {
  scope = new DisposeScope();
  store = await temporaryMetadata(scope, { collectorPolicy: ONLY_WHEN_ASKED });
});

afterEach(() => scope[Symbol.asyncDispose]());

async function blob(data: string, labels: Record<string, string> = {}, by: RequestContext = ctx): Promise<string> {
  await using writer = await store.content.openWriter(by, { ref: randomBytes(8).toString("hex") });
  await writer.write(Buffer.from(data));
  return await writer.commit({ labels });
}

const isThere = async (digest: string): Promise<boolean> =>
  await store.content.info(ctx, digest).then(
    () => true,
    () => false,
  );

const image = (name: string, digest: string, labels: Record<string, string> = {}) =>
  store.images.create(ctx, { name, labels, target: { mediaType: LAYER, digest, sizeBytes: 1, annotations: {} } });

const removedKeys = async (): Promise<string[]> =>
  (await store.collector.collect()).removed.map(({ type, key }) => `${type} ${key}`).sort();

describe("content", () => {
  test("of an image stays as far as labels lead, and goes with the image", async () => {
    const layer = await blob("layer");
    const config = await blob("config");
    const manifest = await blob("manifest", {
      "containerd.io/gc.ref.content.config": config,
      "containerd.io/gc.ref.content.l.0": layer,
    });
    const loose = await blob("loose");
    await image("i", manifest);
    expect(await removedKeys()).toEqual([`content ${loose}`]);
    expect(await Promise.all([layer, config, manifest, loose].map(isThere))).toEqual([true, true, true, false]);
    await store.images.delete(ctx, "i", { sync: true });
    expect(await Promise.all([layer, config, manifest].map(isThere))).toEqual([false, false, false]);
  });

  test.each([
    ["containerd.io/gc.root", true],
    ["containerd.io/gc.rootX", true],
    ["containerd.io/gc.roo", false],
    ["containerd.io/gc.expire", false],
  ])("with label %s stays: %s", async (label, stays) => {
    const digest = await blob("x", { [label]: PAST });
    await store.collector.collect();
    expect(await isThere(digest)).toBe(stays);
  });

  test.each([
    ["containerd.io/gc.ref.content", true],
    ["containerd.io/gc.ref.content.", true],
    ["containerd.io/gc.ref.content/x", true],
    ["containerd.io/gc.ref.contentx", false],
  ])("that %s of a root names stays: %s", async (label, stays) => {
    const held = await blob("held");
    await blob("root", { "containerd.io/gc.root": "1", [label]: held });
    await store.collector.collect();
    expect(await isThere(held)).toBe(stays);
  });

  test("whose loop of references nobody holds goes", async () => {
    const first = await blob("a");
    const second = await blob("b", { "containerd.io/gc.ref.content.0": first });
    await store.content.update(ctx, { digest: first, labels: { "containerd.io/gc.ref.content.0": second } });
    expect(await removedKeys()).toEqual([`content ${first}`, `content ${second}`].sort());
  });

  test("is not held across namespaces, and its bytes stay for those who know it", async () => {
    const other: RequestContext = { namespace: "other" };
    const digest = await blob("shared", { "containerd.io/gc.root": "1" });
    await blob("shared", {}, other);
    const report = await store.collector.collect();
    expect(report.removed.map(({ namespace, key }) => [namespace, key])).toEqual([["other", digest]]);
    expect(report.freedBytes).toBe(0);
    await store.content.delete(ctx, digest);
    expect((await store.collector.collect()).freedBytes).toBe("shared".length);
  });

  test("lives while what it refers back to lives", async () => {
    const kept = await blob("target", { "containerd.io/gc.root": "1" });
    const bound = await blob("bound", { "containerd.io/gc.bref.content": kept });
    const unbound = await blob("unbound", { "containerd.io/gc.bref.image": "missing" });
    expect(await removedKeys()).toEqual([`content ${unbound}`]);
    expect(await isThere(bound)).toBe(true);
  });
});

describe("leases", () => {
  test("hold what is made under them until they end", async () => {
    await store.leases.create(ctx, { id: "l" });
    const digest = await blob("leased", {}, { ...ctx, leaseId: "l" });
    expect(await removedKeys()).toEqual([]);
    await store.leases.delete(ctx, "l", { sync: true });
    expect(await isThere(digest)).toBe(false);
  });

  test("that expired go with what only they hold; a time that is none never comes", async () => {
    await store.leases.create(ctx, { id: "old", labels: { "containerd.io/gc.expire": PAST } });
    await store.leases.create(ctx, { id: "odd", labels: { "containerd.io/gc.expire": "garbage" } });
    const lost = await blob("lost", {}, { ...ctx, leaseId: "old" });
    const kept = await blob("kept", {}, { ...ctx, leaseId: "odd" });
    expect(await removedKeys()).toEqual([`content ${lost}`, "lease old"]);
    expect(await isThere(kept)).toBe(true);
  });

  test("that are flat hold the blob but not what its labels name", async () => {
    const child = await blob("child");
    const parent = await blob("parent", { "containerd.io/gc.ref.content.0": child });
    await store.leases.create(ctx, { id: "flat", labels: { "containerd.io/gc.flat": "1" } });
    await store.leases.addResource(ctx, "flat", { type: "content", id: parent });
    expect(await removedKeys()).toEqual([`content ${child}`]);
    expect(await isThere(parent)).toBe(true);
  });

  test("that are flat take nothing from what is held otherwise", async () => {
    const child = await blob("child");
    const parent = await blob("parent", { "containerd.io/gc.ref.content.0": child });
    await store.leases.create(ctx, { id: "flat", labels: { "containerd.io/gc.flat": "1" } });
    await store.leases.addResource(ctx, "flat", { type: "content", id: parent });
    await image("i", parent);
    expect(await removedKeys()).toEqual([]);
  });
});

test("an expired image goes unless something holds it", async () => {
  const digest = await blob("m");
  await image("gone", digest, { "containerd.io/gc.expire": PAST });
  await image("kept", digest, { "containerd.io/gc.expire": PAST });
  await blob("root", { "containerd.io/gc.root": "1", "containerd.io/gc.ref.image": "kept" });
  expect(await removedKeys()).toEqual(["image gone"]);
  expect((await store.images.list(ctx)).map(({ name }) => name)).toEqual(["kept"]);
});

test("each removal is in the ledger with its reason, and a dry run removes nothing", async () => {
  const ending = new AbortController();
  const filters = [`topic=="${REMOVAL_TOPIC}"`];
  const events = store.events.subscribe({ filters, signal: ending.signal })[Symbol.asyncIterator]();
  const digest = await blob("loose");
  const planned = await store.collector.collect({ dryRun: true });
  expect(planned.removed.map(({ key }) => key)).toEqual([digest]);
  expect(await isThere(digest)).toBe(true);
  const { removed, freedBytes } = await store.collector.collect();
  expect(freedBytes).toBe("loose".length);
  const told = (await events.next()).value;
  expect(removalCodec.decode(told?.event?.value ?? Buffer.alloc(0))).toEqual<Removal>({
    type: "content",
    namespace: "gc",
    key: digest,
    reason: "no image, container, lease or label holds it",
  });
  expect(removed).toHaveLength(1);
  ending.abort();
});

describe("explain", () => {
  test("shows every chain down to the one asked about", async () => {
    const layer = await blob("layer");
    const manifest = await blob("manifest", { "containerd.io/gc.ref.content.l.0": layer });
    await image("one", manifest);
    await image("two", manifest);
    const chains = await store.collector.explain(ctx, layer);
    expect(chains.map((chain) => chain.map(({ node, by }) => `${node.type} ${node.key}: ${by}`))).toEqual(
      ["one", "two"].map((name) => [
        `image ${name}: images stay until they are deleted`,
        `content ${manifest}: target of image`,
        `content ${layer}: label containerd.io/gc.ref.content.l.0`,
      ]),
    );
  });

  test("is empty for what nothing holds, and an error for what is not there", async () => {
    expect(await store.collector.explain(ctx, await blob("x"))).toEqual([]);
    expect(await failure(store.collector.explain(ctx, "nope"))).toBe(
      'not_found: blob, snapshot or image "nope": not found',
    );
  });
});
