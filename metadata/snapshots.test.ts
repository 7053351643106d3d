// The stores on SQLite over real folders: the suite of all snapshot stores, and what only those in this process show.
import { writeFileSync } from "node:fs";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DisposeScope } from "../api/core/dispose.js";
import { LAYER_CAPABILITY, LAYER_LABEL } from "../api/core/snapshot.js";
import { snapshotBackends } from "../runtime/snapshotters/index.js";
import { createNativeBackend } from "../runtime/snapshotters/native/backend.js";
import { makeNode } from "../runtime/sys/inode.js";
import { failure } from "../test/conformance/failure.js";
import { heldContext, SNAPSHOTTERS, snapshotStoreConformance } from "../test/conformance/snapshot-store.js";
import { ONLY_WHEN_ASKED, temporaryMetadata } from "../test/helpers/metadata.js";
import { mounted } from "../test/helpers/mounted.js";
import { requires } from "../test/helpers/requires.js";
import { tempDir } from "../test/helpers/temp.js";

for (const snapshotter of SNAPSHOTTERS) {
  snapshotStoreConformance(
    "local",
    snapshotter,
    async (scope) => temporaryMetadata(scope, { snapshotBackends: snapshotBackends(await tempDir(scope)) }),
    "2.x",
  );
}

describe("snapshots in this process", () => {
  let scope: DisposeScope;
  let rootDir: string;
  beforeEach(async () => {
    scope = new DisposeScope();
    rootDir = await tempDir(scope);
  });
  afterEach(() => scope[Symbol.asyncDispose]());

  const folders = () => readdir(join(rootDir, "snapshots"));
  const open = async () => {
    const metadata = await temporaryMetadata(scope, {
      snapshotBackends: [createNativeBackend(rootDir)],
      collectorPolicy: ONLY_WHEN_ASKED,
    });
    return { ...metadata, store: metadata.snapshots.get("native"), ctx: await heldContext(metadata.leases) };
  };

  test("what is refused after its folders were made leaves none", async () => {
    const { store, ctx } = await open();
    await store.prepare(ctx, "key", {});
    await failure(store.prepare({ ...ctx, leaseId: "gone" }, "x", {}));
    expect(await folders()).toEqual(["1"]);
    await Promise.all(Array.from({ length: 4 }, () => failure(store.prepare(ctx, "other", {}))));
    expect(await folders()).toHaveLength(2);
  });

  test("a backend that fails leaves no record", async () => {
    const { store, ctx } = await open();
    await store.prepare(ctx, "key", {});
    await store.commit(ctx, "base", "key");
    await writeFile(join(rootDir, "snapshots", "2"), "in the way");
    expect(await failure(store.prepare(ctx, "x", { parent: "base" }))).not.toBe("no error");
    expect(await failure(store.stat(ctx, "x"))).toMatch(/^not_found/);
    expect(await folders()).toEqual(["1", "2"]);
  });

  test("cleanup frees what no record names, and only that", async () => {
    const { store, ctx } = await open();
    await store.prepare(ctx, "key", {});
    await store.commit(ctx, "base", "key");
    await store.prepare(ctx, "gone", { parent: "base" });
    await store.view(ctx, "kept", { parent: "base" });
    await store.remove(ctx, "gone");
    expect(await folders()).toEqual(["1", "2"]);
    expect(await store.cleanup()).toEqual({ removed: [2], freedBytes: expect.any(Number) });
    expect(await folders()).toEqual(["1"]);
    expect(await store.cleanup()).toEqual({ removed: [], freedBytes: 0 });
  });

  test("cleanup never meets a creation half way", async () => {
    const { store, ctx } = await open();
    const made = Array.from({ length: 10 }, (_, index) => store.prepare(ctx, `key${index}`, {}));
    const cleaned = Array.from({ length: 10 }, () => store.cleanup());
    await Promise.all(made);
    expect((await Promise.all(cleaned)).flatMap(({ removed }) => removed)).toEqual([]);
    expect(await folders()).toHaveLength(10);
  });

  test("a lease gets hold of what is there already", async () => {
    const { store, ctx, leases } = await open();
    await store.prepare({ namespace: ctx.namespace }, "key", {});
    await store.prepare({ namespace: ctx.namespace }, "target", {});
    const labels = { "containerd.io/snapshot.ref": "target" };
    expect(await failure(store.prepare(ctx, "key", {}))).toMatch(/^already_exists/);
    expect(await failure(store.prepare(ctx, "x", { labels }))).toMatch(/^already_exists/);
    expect((await leases.listResources(ctx, "held")).map(({ id }) => id)).toEqual(["key", "target"]);
  });

  test("numbers of folders are not used again", async () => {
    const { store, ctx } = await open();
    await store.prepare(ctx, "key", {});
    await store.remove(ctx, "key");
    await store.cleanup();
    await store.prepare(ctx, "key", {});
    expect(await folders()).toEqual(["2"]);
  });

  test("a namespace with snapshots stays", async () => {
    const { store, ctx, namespaces } = await open();
    await store.prepare(ctx, "key", {});
    const { namespace = "" } = ctx;
    expect(await failure(namespaces.delete(ctx, namespace))).toBe(
      `failed_precondition: namespace "${namespace}" must be empty, but it still has snapshots on "native" snapshotter: failed precondition`,
    );
    await store.remove(ctx, "key");
    await namespaces.delete(ctx, namespace);
  });

  test("every change is an event of its transaction, views are none", async () => {
    const { store, ctx, events } = await open();
    await store.prepare(ctx, "key", {});
    await store.commit(ctx, "base", "key");
    await store.view(ctx, "look", { parent: "base" });
    await store.remove(ctx, "look");
    const topics: string[] = [];
    for await (const { topic } of events.subscribe({ after: 0n })) {
      topics.push(topic);
      if (topics.length === 3) break;
    }
    expect(topics).toEqual(["/snapshot/prepare", "/snapshot/commit", "/snapshot/remove"]);
  });

  test.skipIf(requires.root())("layers are filled side by side and put one onto the other", async () => {
    const metadata = await temporaryMetadata(scope, { snapshotBackends: snapshotBackends(rootDir) });
    const ctx = await heldContext(metadata.leases);
    const store = metadata.snapshots.get("overlayfs");
    expect(store.capabilities).toEqual([LAYER_CAPABILITY]);
    const labels = { [LAYER_LABEL]: "yes" };
    const [l1, l2] = await Promise.all(["l1", "l2"].map((name) => store.prepare(ctx, `${name}-key`, { labels })));
    expect(await store.mounts(ctx, "l2-key")).toEqual(l2);
    // A removal is told in the upper folder: through the mount the kernel does not take the sign.
    const upper = l2?.[0]?.options.find((option) => option.startsWith("upperdir="))?.slice("upperdir=".length) ?? "";
    makeNode(join(upper, "gone"), 0o020000, 0);
    await mounted(l2 ?? [], (root) => writeFileSync(join(root, "new"), "2"));
    await mounted(l1 ?? [], (root) => {
      for (const name of ["gone", "kept"]) writeFileSync(join(root, name), "1");
    });
    await store.commit(ctx, "l1", "l1-key");
    const missing = "not_found: parent snapshot none does not exist: not found";
    expect(await failure(store.commit(ctx, "l2", "l2-key", { parent: "none" }))).toBe(missing);
    await store.commit(ctx, "l2", "l2-key", { parent: "l1" });
    expect(await store.stat(ctx, "l2")).toMatchObject({ parent: "l1", kind: "committed", labels: {} });
    const view = await store.view(ctx, "look", { parent: "l2" });
    expect(await mounted(view, (root) => readdir(root))).toEqual(["kept", "new"]);
  });

  test("only what was prepared for it is put onto another parent", async () => {
    const metadata = await temporaryMetadata(scope, { snapshotBackends: snapshotBackends(rootDir) });
    const ctx = await heldContext(metadata.leases);
    const labels = { [LAYER_LABEL]: "yes" };
    const store = metadata.snapshots.get("overlayfs");
    for (const name of ["base", "other"]) {
      await store.prepare(ctx, "key", {});
      await store.commit(ctx, name, "key");
    }
    await store.prepare(ctx, "key", {});
    expect(await failure(store.commit(ctx, "x", "key", { parent: "base" }))).toMatch(/^failed_precondition/);
    await store.prepare(ctx, "has one", { parent: "base", labels });
    expect(await failure(store.commit(ctx, "x", "has one", { parent: "other" }))).toMatch(/^invalid_argument/);
    await store.commit(ctx, "x", "has one", { parent: "base" });
    const native = metadata.snapshots.get("native");
    await native.prepare(ctx, "key", {});
    await native.commit(ctx, "base", "key");
    await native.prepare(ctx, "key", { labels });
    expect(await failure(native.commit(ctx, "x", "key", { parent: "base" }))).toMatch(/^failed_precondition/);
  });
});
