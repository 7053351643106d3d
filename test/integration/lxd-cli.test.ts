// System containers of LXD from the command line, ours and containerd's, and from the library: run, console, exit status, execs, limits,
// a daemon that is killed between.
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { LXD_BUSYBOX, type Lxd, startLxd } from "../helpers/lxd.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const RUNTIME = "io.berth.lxd.v1";

describe.skipIf(requires.root() || requires.containerd() || requires.binary("lxd"))("system containers of LXD", () => {
  const scope = new DisposeScope();
  let lxd: Lxd;
  let daemon: Berthd;
  let berth: Cli;
  let ctr: Cli;
  let namespace: string;

  beforeAll(async () => {
    lxd = await startLxd(scope);
    daemon = await startBerthd(scope, { config: `[lxd]\nsocket = "${lxd.socketPath}"\n` });
    namespace = freshNamespace(scope);
    [berth, ctr] = [createCli("berth", daemon, namespace), createCli("ctr", daemon, namespace)];
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  const run = (flags: readonly string[], id: string, ...args: readonly string[]) =>
    berth.run(["run", "--runtime", RUNTIME, ...flags, LXD_BUSYBOX, id, ...args]);

  test("a program in the place of init: its console and its exit status", async () => {
    const script = 'sleep 0.5; echo "$GREETING"; exit 7';
    const said = await run(["--rm", "--env", "GREETING=hello there"], "teller", "sh", "-c", script);
    const [end] = JSON.parse((await berth.run(["exits", "--format", "json", "teller"])).stdout);
    expect(end).toMatchObject({ exitStatus: 7, signal: null, requested: null, runtime: RUNTIME });
    expect(said).toMatchObject({ code: 7, stdout: expect.stringMatching(/^hello there\r?\n$/), stderr: "" });
    expect(await lxd.must(["list", "--format", "csv"])).toBe("");
  });

  test("in the background: listed, joined, measured, limited, frozen, found by the next daemon, killed, removed", async () => {
    expect(await run(["-d", "--memory-limit", "64m"], "box")).toMatchObject({ code: 0, stderr: "" });
    const tasks = await berth.run(["tasks", "ls"]);
    const [, pid] = /^box +(\d+) +RUNNING/m.exec(tasks.stdout) ?? [];
    expect(pid).toBeDefined();
    const instance = await lxd.must(["list", "--format", "csv", "-c", "n"]);
    expect(await lxd.must(["config", "get", instance, "limits.memory"])).toBe(`${64 * 1024 * 1024}B`);
    expect((await berth.run(["tasks", "ps", "box"])).stdout).toContain(pid);
    const script = "pwd; echo $B; cat; exit 4";
    const exec = await berth.run(["tasks", "exec", "--env", "B=2", "--cwd", "/tmp", "box", "sh", "-c", script], {
      input: "in",
    });
    expect(exec).toMatchObject({ code: 4, stdout: "/tmp\n2\nin", stderr: "" });
    // ctr gives its pipes up that are not open yet when a process is deleted, as may be with a very short one.
    const said = ["sh", "-c", "echo from ctr; sleep 0.3"];
    expect((await ctr.run(["tasks", "exec", "--exec-id", "e", "box", ...said])).stdout).toBe("from ctr\n");
    expect((await ctr.run(["tasks", "metrics", "box"])).stdout).toMatch(/box/);
    await ctr.run(["tasks", "pause", "box"]);
    expect((await ctr.run(["tasks", "ls"])).stdout).toMatch(/box +\d+ +PAUSED/);
    await ctr.run(["tasks", "resume", "box"]);
    await daemon.kill();
    daemon = await daemon.restart();
    expect((await ctr.run(["tasks", "ls"])).stdout).toMatch(new RegExp(`box +${pid} +RUNNING`));
    expect((await ctr.run(["tasks", "kill", "-s", "SIGKILL", "box"])).code).toBe(0);
    await until("the end", async () => (await ctr.run(["tasks", "ls"])).stdout.includes("STOPPED"));
    expect((await ctr.run(["tasks", "rm", "box"])).code).toBe(0);
    const [end] = JSON.parse((await berth.run(["exits", "--format", "json", "box"])).stdout);
    expect(end).toMatchObject({ exitStatus: 137, signal: 9, requested: { uid: 0, by: "ctr tasks kill" } });
    expect((await ctr.run(["containers", "rm", "box"])).code).toBe(0);
    expect(await lxd.must(["list", "--format", "csv"])).toBe("");
  });

  test("day by day: what it uses and runs, stopped with what it has written", async () => {
    const script = "trap 'exit 3' TERM; echo awake; while :; do :; done";
    expect(await run(["-d", "--memory-limit", "64m"], "busy", "sh", "-c", script)).toMatchObject({ code: 0 });
    const json = async (...args: readonly string[]): Promise<unknown> =>
      JSON.parse((await berth.run([...args, "--format", "json"])).stdout);
    await until("its line", async () => /^awake\r?\n$/.test((await berth.run(["logs", "busy"])).stdout));
    const [usage] = (await json("stats", "--no-stream")) as Record<string, unknown>[];
    expect(usage).toMatchObject({ id: "busy", memory: expect.any(Number) });
    expect(Number(usage?.["cpuPercent"])).toBeGreaterThan(1);
    const top = await json("top", "--no-stream", "busy");
    expect(top).toContainEqual(
      expect.objectContaining({ container: "busy", command: expect.stringContaining("trap") }),
    );
    expect(await berth.run(["stop", "busy"])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("stays, stopped"),
    });
    expect((await berth.run(["ps", "-a"])).stdout).toMatch(/^busy +\S+ +Exited \(3\) .* ago/m);
    expect(await berth.run(["restart", "busy"])).toMatchObject({ code: 5 });
    expect(await berth.run(["stop", "--discard", "busy"])).toMatchObject({ code: 0, stderr: "" });
    expect((await berth.run(["containers", "rm", "busy"])).code).toBe(0);
    expect(await lxd.must(["list", "--format", "csv"])).toBe("");
  });

  test("ctr runs one that its configuration names", async () => {
    const config = join(dirname(lxd.socketPath), "..", "options.json");
    await writeFile(config, JSON.stringify({ image: { alias: LXD_BUSYBOX }, name: "by-ctr" }));
    const flags = ["-d", "--rootfs", "--runtime", RUNTIME, "--runtime-config-path", config];
    expect(await ctr.run(["run", ...flags, lxd.dir, "c"])).toMatchObject({ code: 0 });
    expect(await lxd.must(["list", "--format", "csv", "-c", "ns"])).toBe("by-ctr,RUNNING");
    expect((await ctr.run(["tasks", "rm", "-f", "c"])).code).toBe(0);
    await ctr.run(["containers", "rm", "c"]);
    expect(await lxd.must(["list", "--format", "csv"])).toBe("");
  });

  test("the library", async () => {
    await using client = connect({ address: daemon.address, namespace });
    const task = await client.run({
      runtime: RUNTIME,
      image: LXD_BUSYBOX,
      lxd: { config: { "user.who": "me" } },
      limits: { pids: 50 },
    });
    const instance = await lxd.must(["list", "--format", "csv", "-c", "n"]);
    expect(await lxd.must(["config", "get", instance, "user.who"])).toBe("me");
    expect(await lxd.must(["config", "get", instance, "limits.processes"])).toBe("50");
    await task.kill("SIGKILL");
    expect(await task.wait()).toMatchObject({ exitStatus: 137 });
    await until("it to go", async () => (await lxd.must(["list", "--format", "csv"])) === "");
  });

  test("what LXD decides is refused, and so is what it has not", async () => {
    const flags = ["--mount", "type=bind,src=/tmp,dst=/tmp,options=bind", "--user", "me"];
    expect(await run(flags, "none")).toMatchObject({
      stderr: expect.stringContaining("--mount, --user: with runtime"),
    });
    const missing = await berth.run(["run", "--runtime", RUNTIME, "nope", "none"]);
    await using client = connect({ address: daemon.address, namespace });
    const mounted = client.run({ runtime: RUNTIME, image: LXD_BUSYBOX, user: "me", platform: "linux/arm64" });
    await expect(mounted).rejects.toMatchObject({
      kind: "invalid_argument",
      message: expect.stringContaining("platform, user cannot be given with runtime"),
    });
    const other = client.run({ image: LXD_BUSYBOX, lxd: {} });
    await expect(other).rejects.toMatchObject({ message: expect.stringContaining("lxd is for runtime") });
    expect(missing).toMatchObject({ code: 125, stderr: expect.stringMatching(/lxd: create instance .*not found/i) });
    expect((await berth.run(["containers", "ls", "-q"])).stdout).toBe("");
    expect(await lxd.must(["list", "--format", "csv"])).toBe("");
  });

  test("files go in and out with the users of the inside, while it runs", async () => {
    await using client = connect({ address: daemon.address, namespace });
    await using task = await client.run({ runtime: RUNTIME, image: LXD_BUSYBOX, id: "files", remove: false });
    const inside = async (...args: string[]): Promise<string> => {
      await using process = await task.exec({ args });
      return (await process.output()).stdout;
    };
    const note = join(lxd.dir, "note");
    await writeFile(note, "shared\n");
    await client.files.copyIn({}, note, "files", "/tmp/note");
    expect(await inside("stat", "-c", "%u:%g", "/tmp/note")).toBe("0:0\n");
    await inside("chown", "7:8", "/tmp/note");
    const chunks: Uint8Array[] = [];
    for await (const chunk of client.files.archive({}, "files", "/tmp/note")) chunks.push(chunk);
    const listed = execFileSync("tar", ["--numeric-owner", "-tv"], { input: Buffer.concat(chunks) }).toString();
    expect(listed).toMatch(/ 7\/8 +7 .* note$/m);
    await task.kill("SIGKILL");
    await task.wait();
    const late = client.files.copyOut({}, "files", "/tmp/note", lxd.dir);
    await expect(late).rejects.toMatchObject({ kind: "not_implemented" });
    await task.delete();
  });
});
