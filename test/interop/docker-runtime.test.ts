// The real `ctr` on berthd, once with runc and once with a Docker engine as the runtime: the same commands, answered alike, but for
// what docker-differences.ts lists.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { createCli } from "../helpers/cli.js";
import { startBerthd } from "../helpers/daemon.js";
import { startEngine } from "../helpers/docker-engine.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { commonOfRuntimes } from "./docker-differences.js";
import { onRuntime, RUNTIMES, type Runtime, shareImage } from "./runtime-cli.js";
import { playSteps, stepKeys } from "./script.js";
import { type Answer, command, inRootfs } from "./step.js";
import { runs } from "./steps/runs.js";
import { tasks } from "./steps/tasks.js";

const IMAGE = "berth.test/nine:1";

const STEPS = [command(inRootfs(["c", "create"], ["c1", "/bin/sleep", "1000"])), ...tasks, ...runs];

describe.skipIf(requires.containerd() || requires.binary("dockerd") || requires.binary("ctr"))("ctr on berthd", () => {
  const scope = new DisposeScope();
  const played: Partial<Record<Runtime, ReadonlyMap<string, Answer>>> = {};
  const answer = (runtime: Runtime, key: string): Answer => {
    const found = played[runtime]?.get(key);
    if (found === undefined) throw new Error(`${runtime} did not play ${key}`);
    return found;
  };

  beforeAll(async () => {
    const engine = await startEngine(scope);
    await engine.buildImage(IMAGE, { files: { "bin/nine": "#!/bin/sh\necho foreground\nexit 9\n" } });
    const play = async (runtime: Runtime): Promise<void> => {
      await using ownScope = new DisposeScope();
      const namespace = freshNamespace(ownScope);
      const daemon = await startBerthd(ownScope, { env: { DOCKER_HOST: engine.host } });
      const cli = createCli("ctr", daemon, namespace);
      await shareImage(engine, cli, IMAGE);
      const corner = { cli: onRuntime(cli, IMAGE, RUNTIMES[runtime]), engine: daemon, namespace, rootfs: "ROOTFS" };
      played[runtime] = await playSteps(STEPS, corner);
    };
    await Promise.all([play("runc"), play("docker")]);
  }, 300_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  test.each(stepKeys(STEPS))("%s: as with runc", (key) => {
    const expected = commonOfRuntimes(key, answer("runc", key));
    expect(commonOfRuntimes(key, answer("docker", key))).toEqual(expected);
  });
});
