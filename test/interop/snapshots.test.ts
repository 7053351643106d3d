// `ctr snapshots …` and `berth snapshots …` on a real containerd and on berthd: the same commands, the same answers.
import { beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type CliName, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { commonOfClients } from "./differences.js";
import { playSteps, stepKeys } from "./script.js";
import type { Answer } from "./step.js";
import { snapshots } from "./steps/snapshots.js";

const lacking = requires.root() || requires.binary("containerd") || requires.binary("ctr");

describe.skipIf(lacking)("the commands about snapshots", () => {
  const played: Record<string, ReadonlyMap<string, Answer>> = {};
  const answer = (corner: string, key: string): Answer => {
    const found = played[corner]?.get(key);
    if (found === undefined) throw new Error(`${corner} did not play ${key}`);
    return found;
  };

  beforeAll(async () => {
    const starts: readonly ((scope: DisposeScope) => Promise<Engine>)[] = [startContainerd, startBerthd];
    const clients: readonly CliName[] = ["ctr", "berth"];
    await Promise.all(
      starts.map(async (start) => {
        for (const name of clients) {
          await using scope = new DisposeScope();
          const namespace = freshNamespace(scope);
          const engine = await start(scope);
          const cli = createCli(name, engine, namespace);
          played[`${name} on ${engine.name}`] = await playSteps(snapshots, { cli, engine, namespace, rootfs: "" });
        }
      }),
    );
  }, 300_000);

  test.each(stepKeys(snapshots))("%s: ctr cannot tell the daemons apart", (key) => {
    expect(answer("ctr on berthd", key)).toEqual(answer("ctr on containerd", key));
  });

  test.each(stepKeys(snapshots))("%s: berth cannot tell the daemons apart", (key) => {
    expect(answer("berth on berthd", key)).toEqual(answer("berth on containerd", key));
  });

  test.each(stepKeys(snapshots))("%s: berth answers as ctr does", (key) => {
    const expected = commonOfClients(key, answer("ctr on containerd", key));
    expect(commonOfClients(key, answer("berth on containerd", key))).toEqual(expected);
  });
});
