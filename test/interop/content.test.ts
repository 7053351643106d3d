// `ctr content …` on a real containerd and on berthd: the same commands, the same answers.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { playSteps, stepKeys } from "./script.js";
import type { Answer } from "./step.js";
import { content } from "./steps/content.js";

const lacking = requires.root() || requires.binary("containerd") || requires.binary("ctr");

describe.skipIf(lacking)("ctr content", () => {
  const played = new Map<string, ReadonlyMap<string, Answer>>();

  beforeAll(async () => {
    const starts: readonly ((scope: DisposeScope) => Promise<Engine>)[] = [startContainerd, startBerthd];
    await Promise.all(
      starts.map(async (start) => {
        await using scope = new DisposeScope();
        const namespace = freshNamespace(scope);
        const engine = await start(scope);
        const cli = createCli("ctr", engine, namespace);
        played.set(engine.name, await playSteps(content, { cli, engine, namespace, rootfs: "" }));
      }),
    );
  }, 300_000);
  afterAll(() => played.clear());

  test.each(stepKeys(content))("%s", (key) => {
    expect(played.get("containerd")?.has(key)).toBe(true);
    expect(played.get("berthd")?.get(key)).toEqual(played.get("containerd")?.get(key));
  });
});
