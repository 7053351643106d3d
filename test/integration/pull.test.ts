// Pulls from a real registry: into local stores, through the client into berthd and into the real containerd. The last is the
// oracle: what its own ctr leaves for the same image must be what our pull leaves.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALL_PLATFORMS, exactPlatforms, onlyPlatforms, parsePlatform } from "../../api/client/distribution/platform.js";
import { pull } from "../../api/client/distribution/pull.js";
import { createRegistry } from "../../api/client/distribution/registry/registry.js";
import type { ImageStores } from "../../api/client/distribution/stores.js";
import { connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import {
  busyboxLayer,
  LINUX_ARM64,
  noiseLayer,
  sha256,
  type TestImage,
  testBlob,
  testImage,
  testIndex,
  testLayer,
} from "../helpers/image.js";
import { runProgram } from "../helpers/program.js";
import { seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { localStores } from "../helpers/stores.js";
import { freshNamespace } from "../helpers/temp.js";

const skip = requires.root() || requires.binary("containerd") || requires.binary("docker-registry");

/** What a pull leaves, without times. */
async function leftBy(stores: ImageStores, namespace: string) {
  const ctx = { namespace };
  const content: Record<string, unknown> = {};
  for await (const page of stores.content.list(ctx)) {
    for (const { digest, sizeBytes, labels } of page) content[digest] = { sizeBytes, labels };
  }
  const snapshots: Record<string, unknown> = {};
  for await (const page of stores.snapshots.get("overlayfs").list(ctx)) {
    for (const { name, parent, kind } of page) snapshots[name] = { parent, kind };
  }
  const images = (await stores.images.list(ctx)).map(({ name, target }) => ({ name, target }));
  return {
    content,
    snapshots,
    images,
    leases: await stores.leases.list(ctx),
    ingests: await stores.content.listStatuses(ctx),
  };
}

describe.skipIf(skip)("a pull", () => {
  const scope = new DisposeScope();
  const images = new Map<string, TestImage>();
  let registry: TestRegistry;
  let engines: Record<string, ImageStores>;
  let containerdAddress: string;

  beforeAll(async () => {
    const base = await busyboxLayer();
    const top = testLayer([
      { name: "etc/", type: "5" },
      { name: "etc/motd", body: "hello\n" },
    ]);
    images.set("oci", testImage([base, top]));
    images.set(
      "docker",
      testImage([await busyboxLayer("docker"), testLayer([{ name: "x", body: "y" }], "docker")], { dialect: "docker" }),
    );
    images.set(
      "zstd",
      testImage([testLayer([{ name: "a", body: "b" }], "zstd"), testLayer([{ name: "c", body: "d" }], "plain")]),
    );
    const arm = testImage([base, noiseLayer("noise", 10_000)], { platform: LINUX_ARM64 });
    images.set("index", testIndex([arm, testImage([base, top])]));
    images.set("docker-index", testIndex([testImage([base], { dialect: "docker" })], "docker"));
    images.set("twice", testImage([base, top, top, base]));
    registry = await startRegistry(scope);
    for (const [name, image] of images) await seedRegistry(registry, `team/${name}`, "1", image);
    const containerd = await startContainerd(scope);
    containerdAddress = containerd.address;
    const berthd = await startBerthd(scope);
    engines = {
      "local stores": await localStores(scope),
      berthd: scope.use(connect({ address: berthd.address })),
      containerd: scope.use(connect({ address: containerd.address })),
    };
  });

  afterAll(() => scope[Symbol.asyncDispose]());

  test.each(["oci", "docker", "zstd", "index", "docker-index", "twice"])(
    "of %s leaves what ctr's leaves",
    async (name) => {
      const reference = `${registry.host}/team/${name}:1`;
      const expected = freshNamespace(scope);
      const args = ["-a", containerdAddress, "-n", expected, "images", "pull", "--plain-http", reference];
      const { code, stdout, stderr } = await runProgram("ctr", args);
      expect({ code, stdout, stderr }).toMatchObject({ code: 0 });
      const oracle = engines["containerd"];
      if (oracle === undefined) throw new Error("no containerd");
      const wanted = await leftBy(oracle, expected);
      for (const [engine, stores] of Object.entries(engines)) {
        const namespace = freshNamespace(scope);
        await using client = createRegistry();
        await pull(stores, { namespace }, reference, { registry: client, snapshotter: "overlayfs" });
        expect({ engine, ...(await leftBy(stores, namespace)) }).toEqual({ engine, ...wanted });
      }
    },
  );

  test("of an index without this platform makes no image; all platforms, and their documents, come on demand", async () => {
    const stores = await localStores(scope);
    const ctx = { namespace: "default" };
    await using client = createRegistry();
    const reference = `${registry.host}/team/index:1`;
    const none = pull(stores, ctx, reference, {
      registry: client,
      platform: exactPlatforms([parsePlatform("plan9/arm")]),
    });
    await expect(none).rejects.toMatchObject({
      kind: "not_found",
      message: expect.stringContaining("no match for platform"),
    });
    expect(await stores.images.list(ctx)).toEqual([]);
    const present = async () => {
      const wanted = [...new Set(images.get("index")?.blobs.map(({ digest }) => digest))];
      const there = await Promise.all(
        wanted.map((digest) => stores.content.info(ctx, digest).then(Boolean, () => false)),
      );
      return there.filter(Boolean).length;
    };
    await pull(stores, ctx, reference, { registry: client, platform: onlyPlatforms([LINUX_ARM64]) });
    expect(await present()).toBe(5);
    await pull(stores, ctx, reference, { registry: client, platform: onlyPlatforms([LINUX_ARM64]), allMetadata: true });
    expect(await present()).toBe(7);
    await pull(stores, ctx, reference, { registry: client, platform: ALL_PLATFORMS, allMatching: true });
    expect(await present()).toBe(8);
  });

  test("of something that is no file system is not unpacked", async () => {
    const stores = await localStores(scope);
    const ctx = { namespace: "default" };
    const chart = {
      ...testBlob("application/vnd.example.chart", Buffer.from("a chart")),
      diffId: sha256(Buffer.from("x")),
    };
    await seedRegistry(registry, "team/chart", "1", testImage([chart]));
    await using client = createRegistry();
    const image = await pull(stores, ctx, `${registry.host}/team/chart:1`, { registry: client, snapshotter: "native" });
    expect((await stores.content.info(ctx, chart.digest)).sizeBytes).toBe(7);
    expect(image.name).toBe(`${registry.host}/team/chart:1`);
    for await (const page of stores.snapshots.get("native").list(ctx)) expect(page).toEqual([]);
  });

  test("of a layer with another diff id than promised leaves neither image nor snapshot", async () => {
    const stores = await localStores(scope);
    const ctx = { namespace: "default" };
    const layer = testLayer([{ name: "a", body: "lie" }]);
    await seedRegistry(registry, "team/lie", "1", testImage([layer], { diffIds: [sha256(Buffer.from("else"))] }));
    await using client = createRegistry();
    const pulling = pull(stores, ctx, `${registry.host}/team/lie:1`, { registry: client, snapshotter: "overlayfs" });
    await expect(pulling).rejects.toMatchObject({
      kind: "failed_precondition",
      message: expect.stringMatching(/wrong diff id/),
    });
    expect(await stores.images.list(ctx)).toEqual([]);
    for await (const page of stores.snapshots.get("overlayfs").list(ctx)) expect(page).toEqual([]);
  });
});
