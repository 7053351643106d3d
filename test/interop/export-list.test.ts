// The list that Docker reads in an export, and when `--skip-manifest-json` leaves it out: ctr and berth on a real containerd.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { LINUX_ARM64, noiseLayer, testImage, testIndex } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";

const lacking = requires.root() || requires.binary("containerd") || requires.binary("ctr");
const listSchema = z.array(z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullable() }).loose());

describe.skipIf(lacking)("the list of an export for Docker", () => {
  const scope = new DisposeScope();
  let dir: string;
  let ctr: Cli;
  let berth: Cli;

  beforeAll(async () => {
    dir = await tempDir(scope);
    const engine = await startContainerd(scope);
    const namespace = freshNamespace(scope);
    [ctr, berth] = [createCli("ctr", engine, namespace), createCli("berth", engine, namespace)];
    const one = testImage([noiseLayer("one", 1_000)]);
    const two = testImage([noiseLayer("two", 1_000)]);
    const arm = testImage([noiseLayer("arm", 1_000)], { platform: LINUX_ARM64 });
    const images = {
      "example.com/one:1": one,
      "example.com/two:1": two,
      "example.com/many:1": testIndex([two, arm]),
      "example.com/foreign:1": testIndex([arm]),
    };
    for (const [name, image] of Object.entries(images)) {
      const file = join(dir, "in.tar");
      await writeFile(file, ociArchive(image, name));
      expect(await ctr.run(["i", "import", "--all-platforms", "--no-unpack", file])).toMatchObject({ code: 0 });
    }
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  /** ctr orders the list as a Go map comes: by chance. undefined: there is none. */
  async function listOf(cli: Cli, args: readonly string[]) {
    const file = join(dir, `${cli.name}.tar`);
    const isFlag = (arg: string) => arg.startsWith("-");
    const names = args.filter((arg) => !isFlag(arg));
    const { code, stderr } = await cli.run(["i", "export", ...args.filter(isFlag), file, ...names]);
    if (code !== 0) return stderr.trim().replace(/^\w+: /, "");
    const extracted = await runProgram("tar", ["-xOf", file, "manifest.json"]);
    if (extracted.code !== 0) return undefined;
    const list = listSchema.parse(JSON.parse(extracted.stdout));
    return list.map((entry) => JSON.stringify(entry)).sort();
  }

  test.each([
    [["example.com/one:1"]],
    [["--skip-manifest-json", "example.com/one:1"]],
    [["--skip-manifest-json", "example.com/one:1", "example.com/two:1"]],
    [["--skip-manifest-json", "example.com/one:1", "example.com/many:1"]],
    [["--skip-manifest-json", "example.com/two:1", "example.com/many:1"]],
    [["--skip-manifest-json", "example.com/many:1"]],
    [["--skip-manifest-json", "example.com/foreign:1"]],
    [["example.com/one:1", "example.com/many:1"]],
    [["example.com/many:1", "example.com/two:1"]],
    [["example.com/foreign:1"]],
    [["example.com/one:1", "example.com/foreign:1"]],
    [["--all-platforms", "example.com/one:1", "example.com/many:1"]],
  ])("%s", async (args) => {
    const [theirs, ours] = [await listOf(ctr, args), await listOf(berth, args)];
    expect(ours).toEqual(theirs);
  });
});
