// Images of ours for tasks on Docker: loaded into the engine under their names, each only once, and nothing left of what was given up.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import type { DockerPullStatus } from "../../api/core/docker-pull.js";
import { findImage } from "../../runtime/docker/images.js";
import type { DriverImages } from "../../runtime/driver.js";
import { EngineImages } from "../helpers/engine-images.js";
import { busyboxLayer, type Compression, LINUX_ARM64, noiseLayer, testImage, testIndex } from "../helpers/image.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

const namespace = "bt";
const LARGE_BYTES = 12_000_000;

describe.skipIf(requires.containerd() || requires.binary("dockerd"))(
  "an image that we have, for a docker engine",
  () => {
    const scope = new DisposeScope();
    let world: EngineImages;
    beforeAll(async () => {
      world = await EngineImages.open(scope);
    });
    afterAll(() => scope[Symbol.asyncDispose]());

    test.each([
      ["docker.io/library/mine:1", "docker.io/library/mine:1"],
      ["berth.test/deep/er/mine:latest", "berth.test/deep/er/mine:latest"],
      ["127.0.0.1:5000/mine:2", "127.0.0.1:5000/mine:2"],
    ])("%s is found under its name", async (name, reference) => {
      await world.keep(name, world.saying(name));
      expect(await world.ensure(name)).toEqual({ reference });
      expect(await world.said(name)).toBe(name);
      const before = world.exports;
      expect(await world.ensure(name)).toEqual({ reference });
      expect(world.exports).toBe(before);
    });

    test("a short name is the full one", async () => {
      await world.keep("docker.io/library/short:latest", world.saying("short"));
      expect(await world.ensure("short")).toEqual({ reference: "docker.io/library/short:latest" });
      expect(await world.said("short")).toBe("short");
    });

    test("a name with a digest gets a tag in its place, and is loaded once", async () => {
      const image = world.saying("digested");
      const { digest } = image.target;
      const name = `berth.test/digested@${digest}`;
      await world.keep(name, image);
      const reference = `berth.test/digested:${digest.replace(":", "-")}`;
      const before = world.exports;
      expect(await world.ensure(name)).toEqual({ reference });
      expect(await world.ensure(name)).toEqual({ reference });
      expect(await world.said(reference)).toBe("digested");
      expect(world.exports).toBe(before + 1);
    });

    test("one for several platforms is loaded for this one", async () => {
      const arm = testImage([noiseLayer("arm", 1_000)], { platform: LINUX_ARM64 });
      await world.keep("berth.test/multi:1", testIndex([arm, world.saying("multi")]));
      await world.ensure("berth.test/multi:1");
      expect(await world.said("berth.test/multi:1")).toBe("multi");
    });

    test.each<[Compression]>([["plain"], ["docker"], ["zstd"]])("%s layers are understood", async (compression) => {
      const layers = [await busyboxLayer(compression), noiseLayer("more", 100_000, compression)];
      const name = `berth.test/${compression}:1`;
      await world.keep(name, world.saying(compression, layers));
      await world.ensure(name);
      expect(await world.said(name)).toBe(compression);
    });

    test("one of another namespace is not ours", async () => {
      await world.keep("berth.test/private:1", world.saying("private"));
      await expect(world.ensure("berth.test/private:1", { namespace: "other" })).rejects.toMatchObject({
        kind: "not_found",
      });
    });

    test.each(["layer", "config", "manifest"] as const)(
      "one without its %s is refused, and nothing loaded",
      async (part) => {
        const layer = noiseLayer(`of ${part}`, 1_000);
        const image = world.saying(part, [world.busybox, layer]);
        const [missing = image.target] = {
          layer: [layer],
          config: image.blobs.slice(-2, -1),
          manifest: [image.target],
        }[part];
        const name = `berth.test/without-${part}:1`;
        await world.keep(name, image);
        const before = await world.inEngine();
        await world.stores.content.delete({ namespace }, missing.digest);
        const problem = expect(world.ensure(name, { pull: "missing" })).rejects;
        await problem.toMatchObject({ kind: "failed_precondition", message: expect.stringContaining(missing.digest) });
        expect(await world.inEngine()).toEqual(before);
      },
    );

    test("one that was damaged on its way to the engine leaves nothing", async () => {
      await world.keep("berth.test/cut:1", world.saying("cut", [world.busybox, noiseLayer("cut", 3_000_000)]));
      const before = await world.inEngine();
      const cut = onItsWay(world.images, () => {
        throw new Error("the disk is on fire");
      });
      await expect(world.ensure("berth.test/cut:1", { images: cut })).rejects.toThrow("the disk is on fire");
      expect(await world.inEngine()).toEqual(before);
      await world.ensure("berth.test/cut:1");
      expect(await world.said("berth.test/cut:1")).toBe("cut");
    });

    test("tasks that want one at the same time load it once", async () => {
      await world.keep("berth.test/wanted:1", world.saying("wanted", [world.busybox, noiseLayer("wanted", 2_000_000)]));
      const before = world.exports;
      const heard: DockerPullStatus[][] = [[], [], []];
      const all = heard.map((list) =>
        world.ensure("berth.test/wanted:1", { onProgress: ({ status }) => void list.push(status) }),
      );
      expect(new Set((await Promise.all(all)).map(({ reference }) => reference))).toEqual(
        new Set(["berth.test/wanted:1"]),
      );
      expect(world.exports).toBe(before + 1);
      for (const list of heard) expect(list.at(-1)).toBe("done");
    });

    test("a load that is given up on the way to the engine leaves nothing", async () => {
      const name = "berth.test/given-up:1";
      await world.keep(name, world.saying("given up", [world.busybox, noiseLayer("given up", 3_000_000)]));
      const before = await world.inEngine();
      const giveUp = new AbortController();
      const watched = onItsWay(world.images, () => giveUp.abort());
      const problem = world.ensure(name, { images: watched, signal: giveUp.signal });
      await expect(problem).rejects.toMatchObject({ kind: "cancelled" });
      await until("the engine to forget it", async () => (await world.parts()).length === 0);
      expect(await world.inEngine()).toEqual(before);
    });

    test("a load that is given up when the engine has got everything goes on to its end", async () => {
      const name = "berth.test/too-late:1";
      await world.keep(name, world.saying("too late", [world.busybox, noiseLayer("too late", 3_000_000)]));
      const giveUp = new AbortController();
      const problem = world.ensure(name, { signal: giveUp.signal, onProgress: () => giveUp.abort() });
      await expect(problem).rejects.toMatchObject({ kind: "cancelled" });
      expect(await until("the image to be there", () => findImage(world.engine, name))).toBe(name);
    });

    test("a load goes on for those who still wait", async () => {
      const name = "berth.test/waited-for:1";
      await world.keep(name, world.saying("waited for", [world.busybox, noiseLayer("waited for", LARGE_BYTES)]));
      const before = world.exports;
      const giveUp = new AbortController();
      const stays = world.ensure(name);
      const leaves = world.ensure(name, { signal: giveUp.signal, onProgress: () => giveUp.abort() });
      await expect(leaves).rejects.toMatchObject({ kind: "cancelled" });
      expect(await stays).toEqual({ reference: name });
      expect(world.exports).toBe(before + 1);
    });
  },
);

/** Images whose archives do something when a part of them is on its way. */
function onItsWay(images: DriverImages, act: () => void): DriverImages {
  const pieces = async function* (archive: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let bytes = 0;
    for await (const piece of archive) {
      yield piece;
      bytes += piece.length;
      if (bytes > 1_000_000) act();
    }
  };
  return {
    ...images,
    exportArchive: async (...args) => {
      const archive = await images.exportArchive(...args);
      return archive && pieces(archive);
    },
  };
}
