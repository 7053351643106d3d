// Debian's Docker engine keeps its containers on berthd: what people do with `docker`, and berthd stopped, killed and started again under
// it. The engine learns of exits from the event stream alone.
import { mkdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { type Docker, startDocker } from "../helpers/dockerd.js";
import { findLeftovers } from "../helpers/leftovers.js";
import { runProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const lacking = requires.root() || requires.binary("dockerd");
const IMAGE = "busybox-of-tests";

describe.skipIf(lacking)("the Docker engine on berthd", () => {
  const scope = new DisposeScope();
  let namespace: string;
  let berthd: Berthd;
  let docker: Docker;
  let dir: string;

  beforeAll(async () => {
    dir = await tempDir(scope);
    namespace = freshNamespace(scope);
    berthd = await startBerthd(scope);
    docker = await startDocker(scope, { address: berthd.address, namespace });
    await makeRootfs(join(dir, "rootfs"));
    await runProgram("tar", ["-C", join(dir, "rootfs"), "-cf", join(dir, "rootfs.tar"), "."]);
    await docker.must(["import", join(dir, "rootfs.tar"), IMAGE]);
  }, 180_000);
  afterAll(() => scope[Symbol.asyncDispose](), 120_000);

  const stateOf = (name: string): Promise<string> => docker.must(["inspect", "-f", "{{.State.Status}}", name]);
  const exitOf = (name: string): Promise<string> => docker.must(["inspect", "-f", "{{.State.ExitCode}}", name]);

  const ctr = (...args: string[]) => runProgram("ctr", ["-a", berthd.address, "-n", namespace, ...args]);

  /** A container that stays until it is told to end. */
  async function sleeper(name: string): Promise<void> {
    await docker.must(["run", "-d", "--init=false", "--name", name, IMAGE, "/bin/sleep", "1000"]);
  }

  test("run passes output, input and status on", async () => {
    const said = await docker.run(["run", "--rm", IMAGE, "/bin/sh", "-c", "echo out; echo err >&2; exit 7"]);
    expect(said).toMatchObject({ code: 7, stdout: "out\n", stderr: "err\n" });
    const piped = await docker.run(["run", "--rm", "-i", IMAGE, "/bin/cat"], { input: "through\n" });
    expect(piped).toMatchObject({ code: 0, stdout: "through\n" });
    const missing = await docker.run(["run", "--rm", IMAGE, "/no/such/program"]);
    expect(missing.code).toBe(127);
    expect(missing.stderr).toContain("no such file or directory");
  }, 120_000);

  test("exec runs more processes, with input, user and status", async () => {
    await sleeper("execs");
    expect(await docker.must(["exec", "execs", "/bin/echo", "inside"])).toBe("inside");
    expect((await docker.run(["exec", "-i", "execs", "/bin/cat"], { input: "fed\n" })).stdout).toBe("fed\n");
    expect((await docker.run(["exec", "execs", "/bin/sh", "-c", "exit 5"])).code).toBe(5);
    expect((await docker.run(["exec", "execs", "/no/such/program"])).code).not.toBe(0);
    expect(
      await docker.must([
        "exec",
        "-u",
        "3:4",
        "-e",
        "A=b",
        "-w",
        "/tmp",
        "execs",
        "/bin/sh",
        "-c",
        "id -u; echo $A; pwd",
      ]),
    ).toBe("3\nb\n/tmp");
    await docker.must(["rm", "-f", "execs"]);
  }, 120_000);

  test("top and stats tell of processes and what they use", async () => {
    await sleeper("watched");
    expect(await docker.must(["top", "watched"])).toContain("/bin/sleep 1000");
    const stats = JSON.parse(await docker.must(["stats", "--no-stream", "--format", "{{json .}}", "watched"]));
    expect(stats).toMatchObject({ Name: "watched", PIDs: "1" });
    expect(stats.MemUsage).not.toMatch(/^0B/);
    await docker.must(["rm", "-f", "watched"]);
  }, 120_000);

  test("pause, unpause, restart, kill and stop, each told as an event", async () => {
    const begun = await docker.must(["info", "-f", "{{.SystemTime}}"]);
    await sleeper("steered");
    await docker.must(["pause", "steered"]);
    expect(await stateOf("steered")).toBe("paused");
    await docker.must(["unpause", "steered"]);
    expect(await stateOf("steered")).toBe("running");
    await docker.must(["restart", "-t", "0", "steered"]);
    expect(await stateOf("steered")).toBe("running");
    await docker.must(["kill", "-s", "KILL", "steered"]);
    await until("the exit to arrive", async () => (await stateOf("steered")) === "exited");
    expect(await exitOf("steered")).toBe("137");
    await docker.must(["start", "steered"]);
    await docker.must(["stop", "-t", "0", "steered"]);
    expect(await stateOf("steered")).toBe("exited");
    await docker.must(["rm", "steered"]);
    const ended = await docker.must(["info", "-f", "{{.SystemTime}}"]);
    const events = await docker.must([
      ...["events", "--since", begun, "--until", ended, "--filter", "container=steered", "--format", "{{.Action}}"],
    ]);
    expect(events.split("\n")).toEqual([
      ...["create", "start", "pause", "unpause"],
      // Init does not heed the first of two signals.
      ...["kill", "kill", "die", "stop", "start", "restart"],
      ...["kill", "die", "start", "kill", "kill", "die", "stop", "destroy"],
    ]);
  }, 120_000);

  test("build runs its steps", async () => {
    const context = join(dir, "context");
    await mkdir(context);
    await writeFile(join(context, "data"), "from the context\n");
    await writeFile(
      join(context, "Dockerfile"),
      `FROM ${IMAGE}\nCOPY data /data\nRUN cat /data > /copy\nCMD ["cat", "/copy"]\n`,
    );
    await docker.must(["build", "-q", "--network", "none", "-t", "built", context]);
    expect(await docker.must(["run", "--rm", "built"])).toBe("from the context");
    await writeFile(join(context, "Dockerfile"), `FROM ${IMAGE}\nRUN exit 3\n`);
    const failed = await docker.run(["build", "--force-rm", "--network", "none", context]);
    expect(failed.code).toBe(3);
  }, 120_000);

  test("limits arrive, and change", async () => {
    await docker.must([
      "run",
      "-d",
      "--name",
      "limited",
      "-m",
      "64m",
      "--pids-limit",
      "20",
      IMAGE,
      "/bin/sleep",
      "1000",
    ]);
    await docker.must(["update", "-m", "96m", "--memory-swap", "-1", "limited"]);
    expect(await docker.must(["stats", "--no-stream", "--format", "{{.MemUsage}}", "limited"])).toMatch(/\/ 96MiB$/);
    await docker.must(["rm", "-f", "limited"]);
  }, 120_000);

  test("berthd is stopped while containers run: the engine finds it again and hears of exits", async () => {
    await sleeper("survivor");
    await docker.must([
      "run",
      "-d",
      "--name",
      "leaver",
      IMAGE,
      "/bin/sh",
      "-c",
      "while ! test -e /tmp/leave; do sleep 0.1; done; exit 4",
    ]);
    const pid = await docker.must(["inspect", "-f", "{{.State.Pid}}", "leaver"]);
    await berthd.stop();
    // The container ends while no daemon is there to be told.
    await writeFile(`/proc/${pid}/root/tmp/leave`, "");
    await until("the process to end", async () => (await runProgram("kill", ["-0", pid])).code !== 0);
    berthd = await berthd.restart();
    await until("the exit to arrive", async () => (await stateOf("leaver")) === "exited", 60_000);
    expect(await exitOf("leaver")).toBe("4");
    expect(await docker.must(["exec", "survivor", "/bin/echo", "still here"])).toBe("still here");
    await docker.must(["rm", "-f", "survivor", "leaver"]);
  }, 180_000);

  test("berthd is killed amid runs: what ran goes on, what was cut off can be made again, every exit arrives", async () => {
    const leave = "while ! test -e /tmp/leave; do sleep 0.1; done; exit 6";
    const runNamed = (name: string) => docker.run(["run", "-d", "--name", name, IMAGE, "/bin/sh", "-c", leave]);
    expect((await runNamed("first")).code).toBe(0);
    const cutOff = ["cut-a", "cut-b", "cut-c"];
    const runs = cutOff.map(runNamed);
    await Promise.race(runs);
    await berthd.kill();
    berthd = await berthd.restart();
    for (const [i, run] of (await Promise.all(runs)).entries()) {
      const name = cutOff[i] ?? "";
      if (run.code === 0) continue;
      // The engine gives up a start whose answer never came, and needs a moment to find the daemon again.
      await until(
        `${name} to be made again`,
        async () => {
          await docker.run(["rm", "-f", name]);
          const again = await runNamed(name);
          if (again.code !== 0) throw new Error(again.stderr);
          return true;
        },
        60_000,
      );
    }
    const isReached = async (): Promise<boolean> => (await docker.run(["exec", "first", "/bin/true"])).code === 0;
    await until("the engine to find the daemon again", isReached, 60_000);
    for (const name of ["first", ...cutOff]) {
      expect(await docker.must(["exec", name, "/bin/echo", "here"])).toBe("here");
      await docker.must(["exec", name, "/bin/touch", "/tmp/leave"]);
      await until(`the exit of ${name}`, async () => (await stateOf(name)) === "exited", 60_000);
      expect(await exitOf(name)).toBe("6");
    }
    await docker.must(["rm", "-f", "first", ...cutOff]);
    // What it was making when it lost the daemon, the engine never hears of again, and leaves it there; on containerd too.
    const forgotten = (await ctr("c", "ls", "-q")).stdout.trim().split("\n");
    for (const id of forgotten) {
      await ctr("t", "rm", "-f", id);
      await ctr("c", "rm", id);
    }
    // A runc that is killed half-way, as a shim does whose daemon goes, leaves empty control groups; nobody can tell whose they are.
    for (const line of await findLeftovers(berthd, namespace, [])) {
      if (line.startsWith("cgroup ")) await rmdir(line.slice("cgroup ".length)).catch(() => undefined);
    }
  }, 240_000);

  test("nothing is left behind", async () => {
    expect(await docker.must(["ps", "-aq"])).toBe("");
    await until("what is ending to end", async () => {
      const left = await findLeftovers(berthd, namespace, []);
      if (left.length > 0) throw new Error(left.join("\n"));
      return true;
    });
    expect((await ctr("c", "ls", "-q")).stdout).toBe("");
    expect((await ctr("t", "ls", "-q")).stdout).toBe("");
  });
});
