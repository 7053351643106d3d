// Images for tasks on Docker that its engine fetches, from a registry with a password: as whom, only once, and nothing left of what was
// given up.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { openEngine } from "../../runtime/docker/engine.js";
import { ensureImage, type ImageRequest } from "../../runtime/docker/ensure-image.js";
import type { PullProgress } from "../../runtime/docker/image-progress.js";
import { findImage } from "../../runtime/docker/images.js";
import type { DriverImages } from "../../runtime/driver.js";
import { EngineImages } from "../helpers/engine-images.js";
import { hang } from "../helpers/hang.js";
import { noiseLayer, type TestImage } from "../helpers/image.js";
import { startPodman } from "../helpers/podman.js";
import { REGISTRY_USER, type TestRegistry } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const namespace = "bt";
const STALL_MS = 1_000;
const LARGE_BYTES = 12_000_000;

describe.skipIf(requires.containerd() || requires.binary("dockerd"))(
  "an image that a registry has, for a docker engine",
  () => {
    const scope = new DisposeScope();
    let world: EngineImages;

    let registry: TestRegistry;
    let configDir: string;
    let repository: string;
    /** How often somebody asked who to be there. */
    let logins = 0;

    const pull = (ref: string, more: Partial<ImageRequest> = {}) => {
      const registryAuth: DriverImages["registryAuth"] = (name) => {
        logins += 1;
        return world.images.registryAuth(name);
      };
      return world.ensure(ref, { pull: "missing", images: { ...world.images, registryAuth }, ...more });
    };
    /** Puts an image into the registry; the engine has it no more. */
    const publish = async (tag: string, image: TestImage): Promise<string> => {
      await world.keep(`berth.test/published:${tag}`, image);
      const { reference } = await world.ensure(`berth.test/published:${tag}`);
      const name = `${repository}:${tag}`;
      await world.docker.must(["tag", reference, name]);
      const pushed = await world.docker.must(["push", name]);
      await world.docker.must(["rmi", name, reference]);
      await world.stores.images.delete({ namespace }, `berth.test/published:${tag}`);
      return `${repository}@${/sha256:[0-9a-f]{64}/.exec(pushed)?.[0]}`;
    };
    const logIn = async (secret: string): Promise<void> => {
      const auth = Buffer.from(`${REGISTRY_USER.username}:${secret}`).toString("base64");
      await writeFile(join(configDir, "config.json"), JSON.stringify({ auths: { [registry.host]: { auth } } }));
    };

    beforeAll(async () => {
      world = await EngineImages.open(scope);
      registry = await world.docker.startRegistry({ needsPassword: true });
      repository = `${registry.host}/team/box`;
      const login = ["login", "-u", REGISTRY_USER.username, "--password-stdin", registry.host];
      await world.docker.must(login, { input: REGISTRY_USER.secret });
      configDir = await tempDir(scope);
      const before = process.env["DOCKER_CONFIG"];
      process.env["DOCKER_CONFIG"] = configDir;
      scope.defer(() => {
        if (before === undefined) delete process.env["DOCKER_CONFIG"];
        else process.env["DOCKER_CONFIG"] = before;
      });
      await logIn(REGISTRY_USER.secret);
    });
    afterAll(() => scope[Symbol.asyncDispose]());

    test("is pulled with the login of the daemon's user, and the way is told", async () => {
      await publish("told", world.saying("told", [world.busybox, noiseLayer("told", 2_000_000)]));
      const heard: PullProgress[] = [];
      const name = `${repository}:told`;
      expect(await pull(name, { onProgress: (progress) => void heard.push(progress) })).toEqual({ reference: name });
      expect(await world.said(name)).toBe("told");
      const statuses = [...new Set(heard.map(({ status }) => status))];
      expect(statuses[0]).toBe("resolving");
      expect(statuses).toContain("downloading");
      expect(heard.at(-1)).toMatchObject({ status: "done" });
      expect(heard.at(-1)?.currentBytes).toBeGreaterThan(2_000_000);
      expect(heard.at(-1)?.currentBytes).toBe(heard.at(-1)?.totalBytes);
    });

    test.each(["", ":told"])("a digest is pulled, with a tag %j before it or not", async (tag) => {
      const digested = await publish("digest", world.saying("digest"));
      const name = digested.replace("@", `${tag}@`);
      expect(await pull(name)).toEqual({ reference: digested });
      expect(await world.said(digested)).toBe("digest");
      expect(await pull(name, { pull: "never" })).toEqual({ reference: digested });
      await world.docker.must(["rmi", digested]);
    });

    test("always: what the registry has now", async () => {
      const name = `${repository}:moving`;
      await publish("moving", world.saying("old"));
      await pull(name);
      expect(await world.said(name)).toBe("old");
      const old = await findImage(world.engine, name);
      await world.docker.must(["tag", name, "berth.test/old:1"]);
      await publish("moving", world.saying("new"));
      await world.docker.must(["tag", "berth.test/old:1", name]);
      expect(await pull(name)).toEqual({ reference: old });
      expect(await world.said(name)).toBe("old");
      await pull(name, { pull: "always" });
      expect(await world.said(name)).toBe("new");
    });

    test("tasks that want one at the same time pull it once", async () => {
      await publish("wanted", world.saying("wanted", [world.busybox, noiseLayer("pulled", 2_000_000)]));
      const before = logins;
      const name = `${repository}:wanted`;
      const all = await Promise.all([pull(name), pull(name), pull(name)]);
      expect(all).toEqual([{ reference: name }, { reference: name }, { reference: name }]);
      expect(logins).toBe(before + 1);
    });

    test("a pull that is given up leaves nothing, and can be begun anew", async () => {
      await publish("large", world.saying("large", [world.busybox, noiseLayer("large", LARGE_BYTES)]));
      const name = `${repository}:large`;
      const before = await world.inEngine();
      const giveUp = new AbortController();
      const problem = pull(name, { signal: giveUp.signal, onProgress: () => giveUp.abort() });
      await expect(problem).rejects.toMatchObject({ kind: "cancelled" });
      await until("the engine to forget it", async () => (await world.parts()).length === 0);
      expect(await world.inEngine()).toEqual(before);
      await pull(name);
      expect(await world.said(name)).toBe("large");
    });

    test("a registry that stalls is not waited for for ever", async () => {
      await hang(registry.pid);
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
        `image "${repository}:told-not" is neither in the docker engine at ${world.docker.host} nor in namespace "bt", ` +
          "and it is not to be pulled: not found",
      );
    });

    test("a wrong password is refused with the engine's words, and not told", async () => {
      await publish("secret", world.saying("secret"));
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
      await expect(ensureImage(away, { ref: "busybox", namespace, images: world.images })).rejects.toMatchObject({
        kind: "unavailable",
        message: expect.stringContaining(host),
      });
    });
  },
);

test.skipIf(requires.root() || requires.binary("podman"))(
  "Podman gets images from us and from its registry",
  async () => {
    await using scope = new DisposeScope();
    const world = await EngineImages.open(scope, startPodman);
    const image = world.saying("ours", [world.busybox, noiseLayer("for podman", 1_000_000)]);
    const digested = `berth.test/ours@${image.target.digest}`;
    await world.keep("docker.io/library/ours:1", image);
    await world.keep(digested, image);
    expect(await world.ensure("ours:1")).toEqual({ reference: "docker.io/library/ours:1" });
    const { reference } = await world.ensure(digested);
    expect(await Promise.all([world.said("docker.io/library/ours:1"), world.said(reference)])).toEqual([
      "ours",
      "ours",
    ]);
    const registry = await world.docker.startRegistry({ needsPassword: true });
    const name = `${registry.host}/ours:2`;
    const { username, secret: password } = REGISTRY_USER;
    await world.docker.must(["login", "-u", username, "--password-stdin", registry.host], { input: password });
    await world.docker.must(["tag", "docker.io/library/ours:1", name]);
    await world.docker.must(["push", name]);
    await world.docker.must(["rmi", "-f", name, "docker.io/library/ours:1"]);
    const pull = (who: string) => {
      const images = { ...world.images, registryAuth: async () => ({ username: who, password }) };
      return world.ensure(name, { pull: "missing", images });
    };
    await expect(pull("nobody")).rejects.toThrow(/docker: pull image .*unauthorized/);
    expect(await pull(username)).toEqual({ reference: name });
    expect(await world.said(name)).toBe("ours");
  },
);
