// `client.run` with containers of a Docker engine, on a daemon behind a socket and on one in this process: the cases of every runtime,
// and what is Docker's alone.
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importImages } from "../../api/client/distribution/archive/import.js";
import {
  type Client,
  connect,
  DOCKER_RUNTIME,
  type ImageRunOptions,
  type ProgressEvent,
  type RunOptions,
} from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { runConformance } from "../conformance/run/run.js";
import type { RunDifferences } from "../conformance/run/world.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { startEmbedded } from "../helpers/embedded.js";
import { busyboxLayer, testImage } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";

const onDocker = { image: BUSYBOX, runtime: DOCKER_RUNTIME };
const shell = (script: string): RunOptions => ({ ...onDocker, args: ["/bin/sh", "-c", script] });
const differences: RunDifferences = {
  lateTerminalSize: "the engine has no terminal before the program starts",
  unknownUser: "only the engine knows the image's users, and tells it as a failed start",
};

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("client.run on a docker engine", () => {
  const scope = new DisposeScope();
  let docker: DockerEngine;
  beforeAll(async () => {
    docker = await startEngine(scope);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const embedded = async (own: DisposeScope): Promise<Client> =>
    own.use((await startEmbedded(own, { dockerHost: docker.host })).client({ namespace: freshNamespace(own) }));
  const remote = async (own: DisposeScope): Promise<Client> => {
    const { address } = await startBerthd(own, { args: ["--docker-host", docker.host] });
    return own.use(connect({ address, namespace: freshNamespace(own) }));
  };
  // The other daemon has the cases below: a start on Docker takes a while, and there are many here.
  runConformance("docker, berthd", async (own) => ({
    client: await remote(own),
    shell,
    isContainer: true,
    differences,
  }));

  describe("what is Docker's alone", () => {
    const own = new DisposeScope();
    let client: Client;
    beforeAll(async () => {
      client = await embedded(own);
    });
    afterAll(() => own[Symbol.asyncDispose]());

    const said = async (options: Partial<ImageRunOptions>): Promise<string> => {
      await using task = await client.run({ ...onDocker, ...options });
      return (await task.output()).stdout;
    };

    test("what the options leave out is the image's", async () => {
      const instructions = [
        "ENV A=image",
        "WORKDIR /tmp",
        'ENTRYPOINT ["sh", "-c"]',
        'CMD ["echo $A $(pwd) $(id -u)"]',
      ];
      await docker.buildImage("berth.test/own:1", { instructions });
      const image = "berth.test/own:1";
      expect(await said({ image })).toBe("image /tmp 0\n");
      expect(await said({ image, env: { A: "mine" }, cwd: "/bin", user: "7:8" })).toBe("mine /bin 7\n");
      expect(await said({ image, args: ["pwd"] })).toBe("/tmp\n");
      expect(await said({ image, args: ["echo hi"], docker: { replaceEntrypoint: false } })).toBe("hi\n");
      const editSpec: ImageRunOptions["editSpec"] = (spec) => {
        spec.process.env?.push("A=edited");
        return spec;
      };
      expect(await said({ image, editSpec })).toBe("edited /tmp 0\n");
    });

    test("options of the engine", async () => {
      const options = { docker: { name: "bt-chosen", network: "none" }, hostname: "box" };
      await using task = await client.run({ ...onDocker, ...options, args: ["sh", "-c", "hostname; cat"] });
      expect(await docker.must(["inspect", "-f", "{{.HostConfig.NetworkMode}}", "bt-chosen"])).toBe("none");
      task.stdin.end("over");
      expect((await task.output()).stdout).toBe("box\nover");
    });

    test("an image of the daemon's, with news of its way", async () => {
      const image = testImage([await busyboxLayer()], { config: { Cmd: ["/bin/echo", "ours"] } });
      const name = "berth.test/library:1";
      const ctx = { namespace: client.namespace };
      await importImages(client, ctx, Readable.from([ociArchive(image, name)]), {});
      const heard: ProgressEvent[] = [];
      const onProgress = (event: ProgressEvent): void => void heard.push(event);
      expect(await said({ image: name, pull: "never", onProgress })).toBe("ours\n");
      expect(heard.map(({ status }) => status)).toEqual(["uploading", "saved"]);
      expect(heard.every((event) => event.name === name)).toBe(true);
      expect(await said({ image: name, pull: "never", onProgress })).toBe("ours\n");
      expect(heard).toHaveLength(2);
    });

    test.each<[string, object, RegExp]>([
      ["a folder", { image: undefined, rootfs: "/" }, /rootfs cannot be given with runtime io\.berth\.docker\.v1/],
      [
        "a snapshotter and a platform",
        { snapshotter: "native", platform: "linux/amd64" },
        /snapshotter, platform cannot/,
      ],
      ["its options under another runtime", { runtime: "io.containerd.runc.v2", docker: {} }, /docker is for runtime/],
      ["an option that it has not", { docker: { color: "red" } }, /runtime options: .*color/],
      ["an image that is nowhere", { image: "berth.test/none:1", pull: "never" }, /it is not to be pulled: not found/],
    ])("%s is refused", async (_, options, message) => {
      await expect(client.run({ ...onDocker, args: ["true"], ...options } as RunOptions)).rejects.toThrow(message);
      expect(await client.containers.list({})).toEqual([]);
    });

    test("a real containerd has no such runtime", async () => {
      const { address } = await startContainerd(own);
      await using other = connect({ address, namespace: freshNamespace(own) });
      await expect(other.run(shell("true"))).rejects.toMatchObject({
        kind: "failed_precondition",
        message: expect.stringMatching(/^runtime io\.berth\.docker\.v1 is one of berthd's: a daemon of version 1\./),
      });
      expect(await other.containers.list({})).toEqual([]);
    });

    test("nothing is left of all that", async () => {
      expect(await docker.must(["ps", "-aq"])).toBe("");
    });
  });
});
