// Images in the square: `ctr` and `berth`, each on a real containerd and on berthd, give the same answers.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type CliName, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { busyboxLayer, LINUX_ARM64, noiseLayer, testImage, testIndex, testLayer } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { commonOfClients, commonOfDaemons } from "./differences.js";
import { playSteps, stepKeys } from "./script.js";
import type { Answer } from "./step.js";
import { images } from "./steps/images.js";

const lacking = requires.root() || requires.binary("containerd") || requires.binary("ctr");
const CLIENTS: readonly CliName[] = ["ctr", "berth"];
const DAEMONS: readonly ((scope: DisposeScope) => Promise<Engine>)[] = [startContainerd, startBerthd];
const GROUPS = "root:x:0:\nadm:x:4:root,web\nweb:x:34:\nextra:x:77:web\n";

/** An index of two platforms, a Docker image, and images with all sorts of configs. */
async function writeArchives(dir: string): Promise<void> {
  const base = await busyboxLayer();
  const users = testLayer([
    { name: "etc/passwd", body: "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34::/:/bin/sh\n" },
    { name: "etc/group", body: GROUPS },
  ]);
  const dockerBase = await busyboxLayer("docker");
  const app = {
    Entrypoint: ["/bin/echo", "entry"],
    Cmd: ["and", "command"],
    Env: ["PATH=/bin", "A=1"],
    WorkingDir: "/tmp",
    User: "web",
    Labels: { "org.example.of": "the image", own: "0" },
    StopSignal: "SIGUSR1",
  };
  const arm = testImage([base, noiseLayer("noise", 300_000)], { platform: LINUX_ARM64 });
  const archives = {
    multi: [testIndex([testImage([base, users]), arm]), "example.com/multi:1"],
    docker: [testImage([dockerBase], { dialect: "docker" }), "docker.io/library/docker:1"],
    tag: [testImage([base, users], { config: { Cmd: ["/bin/true"] } }), "v1"],
    app: [testImage([base, users], { config: app }), "example.com/app:1"],
    root: [testImage([base, users], { config: {} }), "example.com/root:1"],
    ghost: [testImage([base, users], { config: { User: "ghost" } }), "example.com/ghost:1"],
  } as const;
  for (const [name, [image, ref]] of Object.entries(archives)) {
    await writeFile(join(dir, `${name}.tar`), ociArchive(image, ref));
  }
}

describe.skipIf(lacking)("images", () => {
  const scope = new DisposeScope();
  const played: Record<string, ReadonlyMap<string, Answer>> = {};
  const answer = (corner: string, key: string): Answer => {
    const found = played[corner]?.get(key);
    if (found === undefined) throw new Error(`${corner} did not play ${key}`);
    return found;
  };

  beforeAll(async () => {
    const archives = await tempDir(scope);
    await writeArchives(archives);
    await Promise.all(
      DAEMONS.map(async (start) => {
        for (const name of CLIENTS) {
          await using ownScope = new DisposeScope();
          const namespace = freshNamespace(ownScope);
          const engine = await start(ownScope);
          const cli = createCli(name, engine, namespace);
          played[`${name} on ${engine.name}`] = await playSteps(images, { cli, engine, namespace, rootfs: archives });
        }
      }),
    );
  }, 600_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test.each(stepKeys(images))("%s: ctr cannot tell the daemons apart", (key) => {
    const expected = commonOfDaemons(key, answer("ctr on containerd", key));
    expect(commonOfDaemons(key, answer("ctr on berthd", key))).toEqual(expected);
  });

  test.each(stepKeys(images))("%s: berth cannot tell the daemons apart", (key) => {
    const expected = commonOfDaemons(key, answer("berth on containerd", key));
    expect(commonOfDaemons(key, answer("berth on berthd", key))).toEqual(expected);
  });

  test.each(stepKeys(images))("%s: berth answers as ctr does", (key) => {
    const expected = commonOfClients(key, answer("ctr on containerd", key));
    expect(commonOfClients(key, answer("berth on containerd", key))).toEqual(expected);
  });
});
