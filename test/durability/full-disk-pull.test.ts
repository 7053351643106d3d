// Images that do not fit on the disk: the pull says so and makes no image, all else goes on, and removing an image frees its room.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pull } from "../../api/client/distribution/pull.js";
import { createRegistry } from "../../api/client/distribution/registry/registry.js";
import { type Client, connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { failure } from "../conformance/failure.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { noiseLayer, testImage } from "../helpers/image.js";
import { seedRegistry, startRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { smallDisk } from "../helpers/small-disk.js";

const MIB = 1024 * 1024;
const DISK_BYTES = 48 * MIB;
const skip = requires.root() || requires.binary("mkfs.ext4") || requires.binary("docker-registry");

describe.skipIf(skip)("a disk that is too small", () => {
  const ctx = { namespace: "full" };
  const scope = new DisposeScope();
  const client = scope.use(createRegistry());
  let host: string;
  let disk: string;
  let daemon: Berthd;
  let to: Client;

  beforeAll(async () => {
    const registry = await startRegistry(scope);
    host = registry.host;
    const layer = (name: string, mib: number) => noiseLayer(name, mib * MIB, "plain");
    await seedRegistry(registry, "team/small", "1", testImage([layer("small", 3)]));
    // Its content alone is too much.
    await seedRegistry(registry, "team/large", "1", testImage([layer("x", 23), layer("y", 23)]));
    // Its content fits, what is in it does not fit beside.
    await seedRegistry(registry, "team/packed", "1", testImage([layer("p", 22)]));
    disk = await smallDisk(scope, DISK_BYTES);
    daemon = await startBerthd(scope, { dir: join(disk, "d") });
    to = scope.use(connect({ address: daemon.address }));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const pullIt = (name: string) =>
    pull(to, ctx, `${host}/team/${name}:1`, { registry: client, snapshotter: "overlayfs" });
  /** What is left of content and snapshots. */
  const files = async () => {
    const folders = [
      "content.v1.content/blobs/sha256",
      "content.v1.content/ingest",
      "snapshotter.v1.overlayfs/snapshots",
    ];
    const list = (folder: string) => readdir(join(daemon.rootDir, `io.containerd.${folder}`)).catch(() => []);
    return (await Promise.all(folders.map(list))).flat();
  };
  /** A failed pull may keep for the next one what it has fetched; nobody wants that any more. */
  const giveUp = async () => {
    for (const { id } of await to.leases.list(ctx)) await to.leases.delete(ctx, id);
    await to.collector.collect();
  };
  const names = async () => (await to.images.list(ctx)).map(({ name }) => name.slice(name.lastIndexOf("/") + 1));

  test.each(["large", "packed"])(
    "%s is refused, and what it took is given back",
    async (name) => {
      expect(await failure(pullIt(name))).toMatch(/^resource_exhausted: /);
      expect(await names()).not.toContain(`${name}:1`);
      await giveUp();
      expect(await files()).toEqual([]);
    },
    60_000,
  );

  test("an image that fits can be pulled then, and goes with all its room, on a full disk too", async () => {
    await pullIt("small");
    expect(await names()).toEqual(["small:1"]);
    expect(await failure(pullIt("large"))).toMatch(/^resource_exhausted: /);
    expect(await names()).toEqual(["small:1"]);
    await to.images.delete(ctx, `${host}/team/small:1`, { sync: true });
    await giveUp();
    expect(await files()).toEqual([]);
    await pullIt("small");
    expect((await daemon.stop()).code).toBe(0);
  });
});
