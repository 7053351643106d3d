// The engines that tests of the Docker driver start: that they do what those build on, and leave nothing behind.
import { readdir, readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { BUSYBOX, startEngine } from "../helpers/docker-engine.js";
import { startPodman } from "../helpers/podman.js";
import { REGISTRY_USER } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { until } from "../helpers/until.js";

/** Mounts, processes and cgroups that have the engine's folder or name in them. */
async function traces(dir: string, name: string): Promise<string[]> {
  const found = (await readFile("/proc/self/mounts", "utf8")).split("\n").filter((line) => line.includes(dir));
  for (const pid of await readdir("/proc")) {
    const words = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (words.includes(dir) || words.includes(name)) found.push(words);
  }
  for (const hierarchy of await readdir("/sys/fs/cgroup")) {
    if ((await readdir(`/sys/fs/cgroup/${hierarchy}`).catch(() => [""])).includes(name)) found.push(hierarchy);
  }
  return found;
}

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("an engine for tests", () => {
  test("runs, publishes, builds, pushes and pulls, and finds its containers after a kill", async () => {
    await using scope = new DisposeScope();
    const engine = await startEngine(scope, { liveRestore: true });
    expect(await engine.must(["run", "--rm", BUSYBOX, "echo", "hello"])).toBe("hello");
    await engine.buildImage("berth.test/web:1", {
      files: { "www/index.html": "a page", serve: "#!/bin/sh\nexec httpd -f -p 80 -h /www\n" },
      instructions: ["EXPOSE 80", 'ENTRYPOINT ["/serve"]'],
    });
    const id = await engine.must(["run", "-d", "-P", "berth.test/web:1"]);
    const place = await engine.must(["port", id, "80/tcp"]);
    const port = place.split("\n")[0]?.split(":").at(-1);
    // The port is open before anybody serves behind it.
    const page = await until("the page", async () => {
      const { code, stdout } = await engine.inNetwork(["busybox", "wget", "-qO-", `http://127.0.0.1:${port}/`]);
      return code === 0 && stdout;
    });
    expect(page).toBe("a page");
    const registry = await engine.startRegistry({ needsPassword: true });
    const login = ["login", "-u", REGISTRY_USER.username, "--password-stdin", registry.host];
    await engine.must(login, { input: REGISTRY_USER.secret });
    await engine.must(["tag", BUSYBOX, `${registry.host}/box:1`]);
    await engine.must(["push", `${registry.host}/box:1`]);
    await engine.must(["rmi", `${registry.host}/box:1`]);
    await engine.must(["pull", `${registry.host}/box:1`]);
    await engine.kill9();
    await engine.restart();
    expect(await engine.must(["ps", "-q", "--no-trunc"])).toBe(id);
    await engine.must(["pause", id]);
    await engine.kill9();
    const { cgroupParent, dir } = engine;
    await scope[Symbol.asyncDispose]();
    expect(await traces(dir, cgroupParent.slice(1))).toEqual([]);
  });
});

test.skipIf(requires.root() || requires.binary("podman"))("Podman runs, and leaves nothing", async () => {
  await using scope = new DisposeScope();
  const podman = await startPodman(scope);
  expect(await podman.must(["run", "--rm", "--network", "none", BUSYBOX, "echo", "hello"])).toBe("hello");
  await podman.must(["run", "-d", "--name", "long", "-p", "127.0.0.1::80", BUSYBOX, "sleep", "1000"]);
  const exec = await podman.run(["exec", "long", "sh", "-c", "exit 3"]);
  expect(exec.code).toBe(3);
  const { dir } = podman;
  await scope[Symbol.asyncDispose]();
  expect(await traces(dir, "libpod-")).toEqual([]);
});
