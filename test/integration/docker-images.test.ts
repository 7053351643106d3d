// Images for tasks on Docker: found in the engine's own store, loaded from ours, pulled from a registry with a password; each only
// once, and nothing left of what was given up.
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importImages } from "../../api/client/distribution/archive/import.js";
import { DisposeScope } from "../../api/core/dispose.js";
import type { DockerPullStatus } from "../../api/core/docker-pull.js";
import { type Engine, openEngine } from "../../runtime/docker/engine.js";
import { ensureImage, type ImageRequest } from "../../runtime/docker/ensure-image.js";
import type { PullProgress } from "../../runtime/docker/image-progress.js";
import { findImage } from "../../runtime/docker/images.js";
import type { DriverImages } from "../../runtime/driver.js";
import { createDriverImages } from "../../services/driver-images.js";
import { type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import {
  busyboxLayer,
  type Compression,
  LINUX_ARM64,
  noiseLayer,
  type TestImage,
  type TestLayer,
  testImage,
  testIndex,
} from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { REGISTRY_USER, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { type LocalStores, localStores } from "../helpers/stores.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const namespace = "bt";
const STALL_MS = 1_000;
const LARGE_BYTES = 12_000_000;

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("images for a docker engine", () => {
  const scope = new DisposeScope();
  let docker: DockerEngine;
  let engine: Engine;
  let stores: LocalStores;
  let images: DriverImages;
  let busybox: TestLayer;
  /** How often an archive was asked for and was there. */
  let exports = 0;

  beforeAll(async () => {
    docker = await startEngine(scope, { busybox: false });
    engine = scope.use(openEngine({ host: docker.host }));
    stores = await localStores(scope);
    const own = createDriverImages(stores);
    images = {
      ...own,
      exportArchive: async (...args) => {
        const archive = await own.exportArchive(...args);
        if (archive !== undefined) exports += 1;
        return archive;
      },
    };
    busybox = await busyboxLayer();
  }, 60_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  const ensure = (ref: string, more: Partial<ImageRequest> = {}) =>
    ensureImage(engine, { ref, namespace, images, pull: "never", ...more });
  /** Puts an image into our store. */
  const keep = async (name: string, image: TestImage): Promise<void> => {
    await importImages(stores, { namespace }, Readable.from([ociArchive(image, name)]), {});
  };
  /** What it says when it runs, so that it is known to be the one. */
  const said = (reference: string): Promise<string> => docker.must(["run", "--rm", "--network", "none", reference]);
  const saying = (text: string, layers: readonly TestLayer[] = [busybox]): TestImage =>
    testImage(layers, { config: { Cmd: ["/bin/echo", text] } });
  /** All images that the engine has, those without a name among them. */
  const inEngine = async (): Promise<string[]> =>
    (await docker.must(["images", "-aq", "--no-trunc"]))
      .split("\n")
      .filter((id) => id !== "")
      .sort();

  describe("that we have", () => {
    test.each([
      ["docker.io/library/mine:1", "docker.io/library/mine:1"],
      ["berth.test/deep/er/mine:latest", "berth.test/deep/er/mine:latest"],
      ["127.0.0.1:5000/mine:2", "127.0.0.1:5000/mine:2"],
    ])("%s is found under its name", async (name, reference) => {
      await keep(name, saying(name));
      expect(await ensure(name)).toEqual({ reference });
      expect(await said(name)).toBe(name);
      const before = exports;
      expect(await ensure(name)).toEqual({ reference });
      expect(exports).toBe(before);
    });

    test("a short name is the full one", async () => {
      await keep("docker.io/library/short:latest", saying("short"));
      expect(await ensure("short")).toEqual({ reference: "docker.io/library/short:latest" });
      expect(await said("short")).toBe("short");
    });

    test("a name with a digest gets a tag in its place, and is loaded once", async () => {
      const image = saying("digested");
      const { digest } = image.target;
      const name = `berth.test/digested@${digest}`;
      await keep(name, image);
      const reference = `berth.test/digested:${digest.replace(":", "-")}`;
      const before = exports;
      expect(await ensure(name)).toEqual({ reference });
      expect(await ensure(name)).toEqual({ reference });
      expect(await said(reference)).toBe("digested");
      expect(exports).toBe(before + 1);
    });

    test("one for several platforms is loaded for this one", async () => {
      const arm = testImage([noiseLayer("arm", 1_000)], { platform: LINUX_ARM64 });
      await keep("berth.test/multi:1", testIndex([arm, saying("multi")]));
      await ensure("berth.test/multi:1");
      expect(await said("berth.test/multi:1")).toBe("multi");
    });

    test.each<[Compression]>([["plain"], ["docker"], ["zstd"]])("%s layers are understood", async (compression) => {
      const layers = [await busyboxLayer(compression), noiseLayer("more", 100_000, compression)];
      const name = `berth.test/${compression}:1`;
      await keep(name, saying(compression, layers));
      await ensure(name);
      expect(await said(name)).toBe(compression);
    });

    test("one of another namespace is not ours", async () => {
      await keep("berth.test/private:1", saying("private"));
      await expect(ensure("berth.test/private:1", { namespace: "other" })).rejects.toMatchObject({ kind: "not_found" });
    });

    test.each(["layer", "config", "manifest"] as const)(
      "one without its %s is refused, and nothing loaded",
      async (part) => {
        const layer = noiseLayer(`of ${part}`, 1_000);
        const image = saying(part, [busybox, layer]);
        const [missing = image.target] = {
          layer: [layer],
          config: image.blobs.slice(-2, -1),
          manifest: [image.target],
        }[part];
        const name = `berth.test/without-${part}:1`;
        await keep(name, image);
        const before = await inEngine();
        await stores.content.delete({ namespace }, missing.digest);
        const problem = expect(ensure(name, { pull: "missing" })).rejects;
        await problem.toMatchObject({ kind: "failed_precondition", message: expect.stringContaining(missing.digest) });
        expect(await inEngine()).toEqual(before);
      },
    );

    test("one that was damaged on its way to the engine leaves nothing", async () => {
      await keep("berth.test/cut:1", saying("cut", [busybox, noiseLayer("cut", 3_000_000)]));
      const before = await inEngine();
      const cut = onItsWay(images, () => {
        throw new Error("the disk is on fire");
      });
      await expect(ensure("berth.test/cut:1", { images: cut })).rejects.toThrow("the disk is on fire");
      expect(await inEngine()).toEqual(before);
      await ensure("berth.test/cut:1");
      expect(await said("berth.test/cut:1")).toBe("cut");
    });

    test("tasks that want one at the same time load it once", async () => {
      await keep("berth.test/wanted:1", saying("wanted", [busybox, noiseLayer("wanted", 2_000_000)]));
      const before = exports;
      const heard: DockerPullStatus[][] = [[], [], []];
      const all = heard.map((list) =>
        ensure("berth.test/wanted:1", { onProgress: ({ status }) => void list.push(status) }),
      );
      expect(new Set((await Promise.all(all)).map(({ reference }) => reference))).toEqual(
        new Set(["berth.test/wanted:1"]),
      );
      expect(exports).toBe(before + 1);
      for (const list of heard) expect(list.at(-1)).toBe("done");
    });

    test("a load that is given up on the way to the engine leaves nothing", async () => {
      const name = "berth.test/given-up:1";
      await keep(name, saying("given up", [busybox, noiseLayer("given up", 3_000_000)]));
      const before = await inEngine();
      const giveUp = new AbortController();
      const watched = onItsWay(images, () => giveUp.abort());
      const problem = ensure(name, { images: watched, signal: giveUp.signal });
      await expect(problem).rejects.toMatchObject({ kind: "cancelled" });
      await until("the engine to forget it", async () => (await partsOf(docker)).length === 0);
      expect(await inEngine()).toEqual(before);
    });

    test("a load that is given up when the engine has got everything goes on to its end", async () => {
      const name = "berth.test/too-late:1";
      await keep(name, saying("too late", [busybox, noiseLayer("too late", 3_000_000)]));
      const giveUp = new AbortController();
      const problem = ensure(name, { signal: giveUp.signal, onProgress: () => giveUp.abort() });
      await expect(problem).rejects.toMatchObject({ kind: "cancelled" });
      expect(await until("the image to be there", () => findImage(engine, name))).toBe(name);
    });

    test("a load goes on for those who still wait", async () => {
      const name = "berth.test/waited-for:1";
      await keep(name, saying("waited for", [busybox, noiseLayer("waited for", LARGE_BYTES)]));
      const before = exports;
      const giveUp = new AbortController();
      const stays = ensure(name);
      const leaves = ensure(name, { signal: giveUp.signal, onProgress: () => giveUp.abort() });
      await expect(leaves).rejects.toMatchObject({ kind: "cancelled" });
      expect(await stays).toEqual({ reference: name });
      expect(exports).toBe(before + 1);
    });
  });

  describe("that its registry has", () => {
    let registry: TestRegistry;
    let configDir: string;
    let repository: string;
    /** How often somebody asked who to be there. */
    let logins = 0;

    const pull = (ref: string, more: Partial<ImageRequest> = {}) => {
      const registryAuth: DriverImages["registryAuth"] = (name) => {
        logins += 1;
        return images.registryAuth(name);
      };
      return ensure(ref, { pull: "missing", images: { ...images, registryAuth }, ...more });
    };
    /** Puts an image into the registry; the engine has it no more. */
    const publish = async (tag: string, image: TestImage): Promise<string> => {
      await keep(`berth.test/published:${tag}`, image);
      const { reference } = await ensure(`berth.test/published:${tag}`);
      const name = `${repository}:${tag}`;
      await docker.must(["tag", reference, name]);
      const pushed = await docker.must(["push", name]);
      await docker.must(["rmi", name, reference]);
      await stores.images.delete({ namespace }, `berth.test/published:${tag}`);
      return `${repository}@${/sha256:[0-9a-f]{64}/.exec(pushed)?.[0]}`;
    };
    const logIn = async (secret: string): Promise<void> => {
      const auth = Buffer.from(`${REGISTRY_USER.username}:${secret}`).toString("base64");
      await writeFile(join(configDir, "config.json"), JSON.stringify({ auths: { [registry.host]: { auth } } }));
    };

    beforeAll(async () => {
      registry = await docker.startRegistry({ needsPassword: true });
      repository = `${registry.host}/team/box`;
      const login = ["login", "-u", REGISTRY_USER.username, "--password-stdin", registry.host];
      await docker.must(login, { input: REGISTRY_USER.secret });
      configDir = await tempDir(scope);
      const before = process.env["DOCKER_CONFIG"];
      process.env["DOCKER_CONFIG"] = configDir;
      scope.defer(() => {
        if (before === undefined) delete process.env["DOCKER_CONFIG"];
        else process.env["DOCKER_CONFIG"] = before;
      });
      await logIn(REGISTRY_USER.secret);
    });

    test("is pulled with the login of the daemon's user, and the way is told", async () => {
      await publish("told", saying("told", [busybox, noiseLayer("told", 2_000_000)]));
      const heard: PullProgress[] = [];
      const name = `${repository}:told`;
      expect(await pull(name, { onProgress: (progress) => void heard.push(progress) })).toEqual({ reference: name });
      expect(await said(name)).toBe("told");
      const statuses = [...new Set(heard.map(({ status }) => status))];
      expect(statuses[0]).toBe("resolving");
      expect(statuses).toContain("downloading");
      expect(heard.at(-1)).toMatchObject({ status: "done" });
      expect(heard.at(-1)?.currentBytes).toBeGreaterThan(2_000_000);
      expect(heard.at(-1)?.currentBytes).toBe(heard.at(-1)?.totalBytes);
    });

    test.each(["", ":told"])("a digest is pulled, with a tag %j before it or not", async (tag) => {
      const digested = await publish("digest", saying("digest"));
      const name = digested.replace("@", `${tag}@`);
      expect(await pull(name)).toEqual({ reference: digested });
      expect(await said(digested)).toBe("digest");
      expect(await pull(name, { pull: "never" })).toEqual({ reference: digested });
      await docker.must(["rmi", digested]);
    });

    test("always: what the registry has now", async () => {
      const name = `${repository}:moving`;
      await publish("moving", saying("old"));
      await pull(name);
      expect(await said(name)).toBe("old");
      const old = await findImage(engine, name);
      await docker.must(["tag", name, "berth.test/old:1"]);
      await publish("moving", saying("new"));
      await docker.must(["tag", "berth.test/old:1", name]);
      expect(await pull(name)).toEqual({ reference: old });
      expect(await said(name)).toBe("old");
      await pull(name, { pull: "always" });
      expect(await said(name)).toBe("new");
    });

    test("tasks that want one at the same time pull it once", async () => {
      await publish("wanted", saying("wanted", [busybox, noiseLayer("pulled", 2_000_000)]));
      const before = logins;
      const name = `${repository}:wanted`;
      const all = await Promise.all([pull(name), pull(name), pull(name)]);
      expect(all).toEqual([{ reference: name }, { reference: name }, { reference: name }]);
      expect(logins).toBe(before + 1);
    });

    test("a pull that is given up leaves nothing, and can be begun anew", async () => {
      await publish("large", saying("large", [busybox, noiseLayer("large", LARGE_BYTES)]));
      const name = `${repository}:large`;
      const before = await inEngine();
      const giveUp = new AbortController();
      const problem = pull(name, { signal: giveUp.signal, onProgress: () => giveUp.abort() });
      await expect(problem).rejects.toMatchObject({ kind: "cancelled" });
      await until("the engine to forget it", async () => (await partsOf(docker)).length === 0);
      expect(await inEngine()).toEqual(before);
      await pull(name);
      expect(await said(name)).toBe("large");
    });

    test("a registry that stalls is not waited for for ever", async () => {
      process.kill(registry.pid, "SIGSTOP");
      try {
        await expect(pull(`${repository}:stalled`, { stallTimeoutMs: STALL_MS })).rejects.toMatchObject({
          kind: "deadline_exceeded",
          message: expect.stringContaining(`pull image ${repository}:stalled: nothing has moved for 1 seconds`),
        });
      } finally {
        process.kill(registry.pid, "SIGCONT");
      }
    });

    test.each([
      ["one that nobody has", () => `${repository}:none`, "not_found", /docker: pull image .*:none: .*unknown/],
      ["a registry that is not there", () => "127.0.0.1:1/box:1", "unknown", /docker: pull image .*connection refused/],
      ["an id", () => `sha256:${"0".repeat(64)}`, "not_found", /which no registry can have/],
      ["a name that is none", () => "a b/../c", "not_found", /which no registry can have/],
      ["nothing", () => "", "invalid_argument", /needs an image/],
    ])("%s is refused", async (_, name, kind, message) => {
      await expect(pull(name())).rejects.toMatchObject({ kind, message: expect.stringMatching(message) });
    });

    test("one that must not be pulled is nowhere", async () => {
      await expect(pull(`${repository}:told-not`, { pull: "never" })).rejects.toThrow(
        `image "${repository}:told-not" is neither in the docker engine at ${docker.host} nor in namespace "bt", ` +
          "and it is not to be pulled: not found",
      );
    });

    test("a wrong password is refused with the engine's words, and not told", async () => {
      await publish("secret", saying("secret"));
      await logIn("hush");
      const problem = await pull(`${repository}:secret`).then(
        () => "",
        (error: Error) => error.message,
      );
      expect(problem).toMatch(/docker: pull image .*:secret: .*(unauthorized|authentication|basic auth)/);
      expect(problem).not.toContain("hush");
      await logIn(REGISTRY_USER.secret);
    });

    test("an engine that is away is named", async () => {
      const host = `unix://${join(configDir, "none.sock")}`;
      await using away = openEngine({ host });
      await expect(ensureImage(away, { ref: "busybox", namespace, images })).rejects.toMatchObject({
        kind: "unavailable",
        message: expect.stringContaining(host),
      });
    });
  });
});

/** What the engine has unpacked or received so far of images that are on their way. */
async function partsOf({ dir }: DockerEngine): Promise<string[]> {
  return await readdir(join(dir, "data", "tmp"));
}

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
