// The square: `ctr` and `berth`, each on a real containerd and on berthd, play the same script of commands. `ctr` must not be able
// to tell the daemons apart, nor must `berth`; and `berth` answers as `ctr` does, but for what differences.ts lists.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type CliName, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { commonOfClients, commonOfDaemons } from "./differences.js";
import { playScript, STEP_KEYS } from "./script.js";
import type { Answer } from "./step.js";

const lacking = requires.root() || requires.binary("containerd") || requires.binary("ctr");
const CLIENTS: readonly CliName[] = ["ctr", "berth"];
const DAEMONS: readonly ((scope: DisposeScope) => Promise<Engine>)[] = [startContainerd, startBerthd];

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
    // Both daemons at once: most of the time goes into starting clients.
    await Promise.all(
      DAEMONS.map(async (start) => {
        for (const name of CLIENTS) {
          await using ownScope = new DisposeScope();
          const namespace = freshNamespace(ownScope);
          const engine = await start(ownScope);
          const cli = createCli(name, engine, namespace);
          played[`${name} on ${engine.name}`] = await playScript({ cli, engine, namespace, rootfs });
        }
      }),
    );
  }, 600_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test.each(STEP_KEYS)("%s: ctr cannot tell the daemons apart", (key) => {
    const expected = commonOfDaemons(key, answer("ctr on containerd", key));
    expect(commonOfDaemons(key, answer("ctr on berthd", key))).toEqual(expected);
  });

  test.each(STEP_KEYS)("%s: berth cannot tell the daemons apart", (key) => {
    const expected = commonOfDaemons(key, answer("berth on containerd", key));
    expect(commonOfDaemons(key, answer("berth on berthd", key))).toEqual(expected);
  });

  test.each(STEP_KEYS)("%s: berth answers as ctr does", (key) => {
    const expected = commonOfClients(key, answer("ctr on containerd", key));
    expect(commonOfClients(key, answer("berth on containerd", key))).toEqual(expected);
  });
});
