// Transfers that unpack for several snapshotters and platforms at once.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Client, chainIds, connect, snapshotLabel } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { LINUX_AMD64, LINUX_ARM64, noiseLayer, testImage, testIndex } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { seedRegistry, startRegistry, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const lacking = requires.root() || requires.binary("docker-registry");

describe.skipIf(lacking)("unpacking for several targets", () => {
  const scope = new DisposeScope();
  let daemon: Berthd;
  let client: Client;
  let registry: TestRegistry;
  let ctx: { readonly namespace: string };

  const layers = [noiseLayer("one", 2_000), noiseLayer("two", 2_000)];
  const foreignLayers = [noiseLayer("foreign", 2_000)];
  const own = testImage(layers, { platform: LINUX_AMD64 });
  const foreign = testImage(foreignLayers, { platform: LINUX_ARM64 });
  const image = testIndex([own, foreign]);
  const ownChain = chainIds(layers.map(({ diffId }) => diffId));
  const foreignChain = chainIds(foreignLayers.map(({ diffId }) => diffId));

  beforeAll(async () => {
    daemon = await startBerthd(scope);
    client = scope.use(connect({ address: daemon.address }));
    registry = await startRegistry(scope);
    await seedRegistry(registry, "app", "1", image);
    await seedRegistry(registry, "foreign", "1", foreign);
  });
  beforeEach(() => {
    ctx = { namespace: freshNamespace(scope) };
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  async function snapshotsOf(snapshotter: string): Promise<string[]> {
    const keys: string[] = [];
    for await (const page of client.snapshots.get(snapshotter).list(ctx)) keys.push(...page.map(({ name }) => name));
    return keys.sort();
  }

  const configLabels = async ({ blobs }: typeof own) =>
    (await client.content.info(ctx, blobs.at(-2)?.digest ?? "")).labels;

  const unpack = [
    { snapshotter: "no-such" },
    { snapshotter: "overlayfs", platform: LINUX_AMD64 },
    { snapshotter: "native", platform: LINUX_AMD64 },
    { snapshotter: "native", platform: LINUX_AMD64 },
    { snapshotter: "native", platform: LINUX_ARM64 },
    { snapshotter: "overlayfs", platform: { os: "windows", architecture: "amd64", variant: "" } },
  ];

  async function expectUnpacked(): Promise<void> {
    expect(await snapshotsOf("overlayfs")).toEqual([...ownChain].sort());
    expect(await snapshotsOf("native")).toEqual([...ownChain, ...foreignChain].sort());
    const top = ownChain.at(-1);
    expect(await configLabels(own)).toMatchObject({
      [snapshotLabel("overlayfs")]: top,
      [snapshotLabel("native")]: top,
    });
    const foreignLabels = await configLabels(foreign);
    expect(foreignLabels[snapshotLabel("native")]).toBe(foreignChain.at(-1));
    expect(foreignLabels).not.toHaveProperty(snapshotLabel("overlayfs"));
    expect(daemon.log()).toContain("cannot unpack for what a transfer names");
    expect(await client.leases.list(ctx)).toEqual([]);
  }

  test("a pull unpacks them all, and tells so", async () => {
    const told: string[] = [];
    await client.transfer.pull(ctx, `${registry.host}/app:1`, {
      plainHttp: true,
      platforms: [LINUX_AMD64, LINUX_ARM64],
      unpack,
      onProgress: ({ name, event }) => told.push(`${event} ${name}`),
    });
    await expectUnpacked();
    const countOf = (line: string) => told.filter((each) => each === line).length;
    for (const { digest } of layers) expect(countOf(`extracted layer-${digest}`)).toBe(2);
    for (const { digest } of foreignLayers) expect(countOf(`extracted layer-${digest}`)).toBe(1);
  });

  test("an import unpacks them all", async () => {
    await client.transfer.import(ctx, once(ociArchive(image, "example.com/app:1")), { unpack });
    await expectUnpacked();
  });

  test("what is pulled for one platform is unpacked for no other", async () => {
    const platforms = [LINUX_AMD64];
    await client.transfer.pull(ctx, `${registry.host}/app:1`, { plainHttp: true, platforms, unpack });
    expect(await snapshotsOf("native")).toEqual([...ownChain].sort());
  });

  test("an image without an index says itself what it is for", async () => {
    const targets = [
      { snapshotter: "overlayfs", platform: LINUX_AMD64 },
      { snapshotter: "native", platform: LINUX_ARM64 },
    ];
    await client.transfer.pull(ctx, `${registry.host}/foreign:1`, { plainHttp: true, platforms: [], unpack: targets });
    expect(await snapshotsOf("overlayfs")).toEqual([]);
    expect(await snapshotsOf("native")).toEqual(foreignChain);
  });

  test("whoever names no platforms gets them all, and one that is named no snapshotter the default one", async () => {
    const targets = [{ snapshotter: "", platform: LINUX_AMD64 }];
    await client.transfer.pull(ctx, `${registry.host}/app:1`, { plainHttp: true, platforms: [], unpack: targets });
    expect(await client.content.info(ctx, foreignLayers[0]?.digest ?? "")).toMatchObject({
      sizeBytes: expect.anything(),
    });
    expect(await snapshotsOf("overlayfs")).toEqual([...ownChain].sort());
  });
});
