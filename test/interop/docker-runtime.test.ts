// The real `ctr` on berthd, with runc, with a Docker engine and with Podman as the runtime: the same commands, answered alike, but for
// what docker-differences.ts lists.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { createCli } from "../helpers/cli.js";
import { startBerthd } from "../helpers/daemon.js";
import { startEngine } from "../helpers/docker-engine.js";
import { startPodman } from "../helpers/podman.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { commonOfRuntimes } from "./docker-differences.js";
import { DOCKER, onRuntime, RUNC, shareImage } from "./runtime-cli.js";
import { playSteps, stepKeys } from "./script.js";
import { type Answer, command, inRootfs } from "./step.js";
import { runs } from "./steps/runs.js";
import { tasks } from "./steps/tasks.js";

const IMAGE = "berth.test/nine:1";

const STEPS = [command(inRootfs(["c", "create"], ["c1", "/bin/sleep", "1000"])), ...tasks, ...runs];

/** By what runs the tasks. */
type Runner = "runc" | "Docker" | "Podman";

const lacking =
  requires.containerd() || requires.binary("dockerd") || requires.binary("podman") || requires.binary("ctr");

describe.skipIf(lacking)("ctr on berthd", () => {
  const scope = new DisposeScope();
  const played: Partial<Record<Runner, ReadonlyMap<string, Answer>>> = {};
  const answer = (runner: Runner, key: string): Answer => {
    const found = played[runner]?.get(key);
    if (found === undefined) throw new Error(`${runner} did not play ${key}`);
    return found;
  };

  beforeAll(async () => {
    const [engine, podman] = await Promise.all([startEngine(scope), startPodman(scope)]);
    await engine.buildImage(IMAGE, { files: { "bin/nine": "#!/bin/sh\necho foreground\nexit 9\n" } });
    const archive = join(engine.dir, "nine.tar");
    await engine.must(["save", "-o", archive, IMAGE]);
    await podman.must(["load", "-i", archive]);
    const play = async (runner: Runner, runtime: string, host: string): Promise<void> => {
      await using ownScope = new DisposeScope();
      const namespace = freshNamespace(ownScope);
      const daemon = await startBerthd(ownScope, { env: { DOCKER_HOST: host } });
      const cli = createCli("ctr", daemon, namespace);
      await shareImage(engine, cli, IMAGE);
      const corner = { cli: onRuntime(cli, IMAGE, runtime), engine: daemon, namespace, rootfs: "ROOTFS" };
      played[runner] = await playSteps(STEPS, corner);
    };
    await Promise.all([
      play("runc", RUNC, engine.host),
      play("Docker", DOCKER, engine.host),
      play("Podman", DOCKER, podman.host),
    ]);
  }, 300_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  describe.each(["Docker", "Podman"] as const)("with %s", (runner) => {
    test.each(stepKeys(STEPS))("%s: as with runc", (key) => {
      const expected = commonOfRuntimes(key, answer("runc", key));
      expect(commonOfRuntimes(key, answer(runner, key))).toEqual(expected);
    });
  });
});
