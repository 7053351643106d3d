// The square: `ctr` and `berth`, each on a real containerd and on berthd, play the same script of commands. `ctr` must not be able
// to tell the daemons apart, nor must `berth`; and `berth` answers as `ctr` does, but for what differences.ts lists.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { startBerthd } from "../helpers/berthd.js";
import { type CliName, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import type { Engine } from "../helpers/engine.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { daemonDifference, sameAnswer } from "./differences.js";
import { type Answer, playScript, STEP_KEYS } from "./script.js";

const lacking = requires.root() || requires.binary("containerd") || requires.binary("ctr");
const CORNERS: readonly (readonly [CliName, (scope: DisposeScope) => Promise<Engine>])[] = [
  ["ctr", startContainerd],
  ["ctr", startBerthd],
  ["berth", startContainerd],
  ["berth", startBerthd],
];

describe.skipIf(lacking)("the script of commands", () => {
  const scope = new DisposeScope();
  const played: Record<string, ReadonlyMap<string, Answer>> = {};
  const answer = (corner: string, key: string): Answer => {
    const found = played[corner]?.get(key);
    if (found === undefined) throw new Error(`${corner} did not play ${key}`);
    return found;
  };

  beforeAll(async () => {
    const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    await writeFile(join(rootfs, "bin/nine"), "#!/bin/sh\necho foreground\nexit 9\n", { mode: 0o755 });
    for (const [name, start] of CORNERS) {
      await using ownScope = new DisposeScope();
      const namespace = freshNamespace(ownScope);
      const engine = await start(ownScope);
      const cli = createCli(name, engine, namespace);
      played[`${name} on ${engine.name}`] = await playScript({ cli, engine, namespace, rootfs });
    }
  }, 240_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test.each(STEP_KEYS)("%s: ctr cannot tell the daemons apart", (key) => {
    const difference = daemonDifference(key);
    const [theirs, ours] = [answer("ctr on containerd", key), answer("ctr on berthd", key)];
    expect(difference === undefined ? ours : difference(ours)).toEqual(
      difference === undefined ? theirs : difference(theirs),
    );
  });

  test.each(STEP_KEYS)("%s: berth cannot tell the daemons apart", (key) => {
    const difference = daemonDifference(key);
    const [theirs, ours] = [answer("berth on containerd", key), answer("berth on berthd", key)];
    expect(difference === undefined ? ours : difference(ours)).toEqual(
      difference === undefined ? theirs : difference(theirs),
    );
  });

  test.each(STEP_KEYS)("%s: berth answers as ctr does", (key) => {
    const { ctr, berth } = sameAnswer(key, answer("ctr on containerd", key), answer("berth on containerd", key));
    expect(berth).toEqual(ctr);
  });
});
