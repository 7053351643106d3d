// What one does with containers every day, on either daemon: ps, inspect, stats, top, wait, stop, restart, spec.
import { readFile, rm, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/connect.js";
import { stopTask } from "../../api/client/run/stop-task.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { failure } from "../conformance/failure.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { busyboxLayer, testImage } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

/** Ends with 3 when it is asked to, and is busy meanwhile. */
const POLITE = ["sh", "-c", "trap 'exit 3' TERM; while :; do :; done"];
/** The same, and nobody's burden. */
const GENTLE = ["sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done"];
/** Takes no notice. */
const DEAF = ["sh", "-c", "trap '' TERM; while :; do sleep 1000; done"];

const DAEMONS: readonly (readonly [name: Engine["name"], open: (scope: DisposeScope) => Promise<Engine>])[] = [
  ["berthd", startBerthd],
  ["containerd", startContainerd],
];

describe.skipIf(requires.root() || requires.containerd() || requires.binary("runc")).each(DAEMONS)(
  "berth on %s, day by day",
  (daemon, open) => {
    const scope = new DisposeScope();
    const remembers = daemon === "berthd";
    let berth: Cli;
    let client: Client;
    let rootfs: string;
    let dir: string;

    beforeAll(async () => {
      const namespace = freshNamespace(scope);
      dir = await tempDir(scope);
      rootfs = await makeRootfs(join(dir, "rootfs"));
      const engine = await open(scope);
      berth = createCli("berth", engine, namespace);
      client = scope.use(connect({ address: engine.address, namespace }));
    });
    afterAll(() => scope[Symbol.asyncDispose]());

    const start = async (id: string, args: readonly string[], ...flags: readonly string[]): Promise<void> => {
      const started = await berth.run(["run", "-d", ...flags, "--rootfs", rootfs, id, ...args]);
      expect(started).toMatchObject({ code: 0, stderr: "" });
    };
    const json = async (...args: readonly string[]): Promise<unknown> => {
      const { stdout, stderr } = await berth.run([...args, "--format", "json"]);
      expect(stderr).toBe("");
      return JSON.parse(stdout);
    };
    const states = async (): Promise<unknown> =>
      await json("ps", "-a", "--fields", "id,state,exitStatus").then((rows) =>
        Object.fromEntries(
          (rows as { id: string; state: string; exitStatus: unknown }[]).map((row) => [
            row.id,
            [row.state, row.exitStatus],
          ]),
        ),
      );

    test("a busy task, from its start over stats, top and inspect to its end", async () => {
      await start("web", POLITE, "--memory-limit", "64m", "--label", "tier=one");
      const { pid } = await client.tasks.get({}, "web", "");

      const ps = (await berth.run(["ps", "--format", "wide"])).stdout;
      expect(ps).toMatch(new RegExp(`^web +- +Up .+ ${pid} +io\\.containerd\\.runc\\.v2 .*tier=one`, "m"));
      expect((await berth.run(["ps", "-q", "--filter", "name=eb", "--filter", "label=tier=one"])).stdout).toBe("web\n");

      const [usage] = (await json("stats", "--no-stream", "web")) as Record<string, number>[];
      expect(usage).toMatchObject({ id: "web", status: "running", memoryLimit: 64 << 20, pids: 1, networkReceived: 0 });
      expect(usage?.["cpuPercent"]).toBeGreaterThan(1);
      expect(usage?.["memory"]).toBeGreaterThan(0);

      const metrics = ["tasks", "metrics", "--fields", "pids.current", "web"];
      expect((await berth.run(metrics)).stdout).toBe("PIDS.CURRENT\n1\n");
      expect(await json(...metrics)).toMatchObject({ "pids.current": expect.anything() });

      const top = (await json("top", "--no-stream")) as Record<string, unknown>[];
      expect(top).toEqual([expect.objectContaining({ container: "web", pid, innerPid: 1, uid: 0, state: "R" })]);
      expect(top[0]?.["command"]).toBe(POLITE.join(" "));
      expect(Number(top[0]?.["cpuPercent"])).toBeGreaterThan(1);

      expect(await json("inspect", "web")).toMatchObject({
        kind: "container",
        state: "running",
        container: { labels: { tier: "one" }, runtime: { name: "io.containerd.runc.v2" } },
        task: { pid, status: "running", processes: [{ pid }] },
        spec: { process: { args: POLITE } },
      });

      const waiting = await berth.start(["wait", "web"]);
      const stopped = await berth.run(["stop", "web", "-t", "60", "--keep"]);
      expect(stopped).toEqual({ code: 0, signal: null, stdout: "web\n", stderr: "" });
      expect(await waiting.result).toMatchObject({ code: 0, stdout: "3\n" });
      expect((await berth.run(["ps", "--filter", "status=exited"])).stdout).toMatch(/^web +- +Exited \(3\) .* ago/m);
      expect(await berth.run(["stop", "web"])).toMatchObject({ code: 0, stdout: "web\n" });
      // The container stays, its task does not.
      expect(await client.tasks.list({})).toEqual([]);
      expect(await states()).toEqual({ web: remembers ? ["exited", 3] : ["absent", null] });
      expect((await berth.run(["ps"])).stdout.trim().split("\n")).toHaveLength(1);
      const late = await berth.run(["wait", "web"]);
      expect(late).toMatchObject(remembers ? { code: 0, stdout: "3\n" } : { code: 3, stdout: "" });
      // Nothing to stop is no failure; nobody of that name is one.
      expect(await berth.run(["stop", "web", "nobody"])).toMatchObject({ code: 3, stdout: "web\n" });
      expect(await berth.run(["top", "web"])).toMatchObject({ code: 5, stdout: "" });
    });

    test("a stopped task starts again where it was, with its output going on", async () => {
      const file = join(dir, "said.log");
      await start("log", ["sh", "-c", "echo started; sleep 1000"], "--log-uri", `file://${file}`);
      await until("the first line", async () => (await readFile(file, "utf8")) === "started\n");
      const before = (await client.tasks.get({}, "log", "")).pid;
      // pid 1 takes no notice of a SIGTERM that it does not handle.
      const spec = (await berth.run(["spec", "show", "log"])).stdout.replace("echo started", "echo again");
      const edited = await berth.run(["spec", "edit", "log", "--file", "-"], { input: spec });
      expect(edited).toMatchObject({
        code: 0,
        stderr: 'berth: the task of log keeps its spec until "berth restart log"\n',
      });
      expect(await berth.run(["restart", "-t", "0", "log"])).toMatchObject({ code: 0, stdout: "log\n", stderr: "" });
      await until("the second line", async () => (await readFile(file, "utf8")) === "started\nagain\n");
      expect((await client.tasks.get({}, "log", "")).pid).not.toBe(before);
      expect(await berth.run(["stop", "--keep", "-s", "KILL", "log"])).toMatchObject({ code: 0 });
      expect(await client.tasks.get({}, "log", "")).toMatchObject({ status: "stopped", exitStatus: 137 });
      // A task that is only stopped is in nobody's way.
      expect(await berth.run(["restart", "log"])).toMatchObject({ code: 0 });
      expect(await berth.run(["stop", "-t", "0", "log"])).toMatchObject({ code: 0 });
    });

    test("who stands by a task sees its end, and leaves the next one alone", async () => {
      const script = "trap 'exit 3' TERM; echo at work; while :; do sleep 0.05; done";
      const standing = await berth.start(["run", "--rootfs", rootfs, "stand", "sh", "-c", script]);
      await standing.waitForOutput(/at work/);
      expect(await berth.run(["restart", "stand"])).toMatchObject({ code: 0, stdout: "stand\n", stderr: "" });
      expect(await standing.result).toMatchObject({ code: 3, stdout: "at work\n", stderr: "" });
      expect(await client.tasks.get({}, "stand", "")).toMatchObject({ status: "running" });
      expect(await berth.run(["stop", "-t", "0", "stand"])).toMatchObject({ code: 0 });
    });

    test("who stops what somebody else is stopping has nothing to complain of", async () => {
      for (let round = 0; round < 5; round += 1) {
        await start("shared", GENTLE);
        const stop = () => stopTask(client, {}, "shared", { signal: constants.signals.SIGKILL, graceMs: 0 });
        await Promise.all([stop(), stop(), stop(), stop()]);
        expect(await failure(client.tasks.get({}, "shared", ""))).toMatch(/^not_found: /);
        await client.containers.delete({}, "shared");
      }
    });

    test("several at once: one that listens, one that does not, one that is frozen", async () => {
      await Promise.all([start("polite", GENTLE), start("deaf", DEAF), start("frozen", GENTLE)]);
      await client.tasks.pause({}, "frozen");
      const waiting = await berth.start(["wait", "--format", "jsonl", "polite", "deaf", "frozen"]);
      const stopped = await berth.run(["stop", "--keep", "-t", "2s", "polite", "deaf", "frozen"]);
      expect(stopped).toMatchObject({ code: 0, stderr: "" });
      expect(stopped.stdout.trim().split("\n").sort()).toEqual(["deaf", "frozen", "polite"]);
      const ends = (await waiting.result).stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line) as { id: string; exitStatus: number; exitedAt: string });
      expect(Object.fromEntries(ends.map(({ id, exitStatus }) => [id, exitStatus]))).toEqual({
        polite: 3,
        deaf: 137,
        frozen: 3,
      });
      expect(await berth.run(["stop", "polite", "deaf", "frozen"])).toMatchObject({ code: 0 });
      expect(await client.tasks.list({})).toEqual([]);
    });

    // What it does is the client's own, so it is tried in full on one of them.
    if (remembers) {
      test("a spec is shown, edited, refused when it is faulty or somebody was faster, and used by the next task", async () => {
        const made = ["containers", "create", "--env", "SAID=one", "--rootfs", rootfs, "spec", "sleep", "1000"];
        expect(await berth.run(made)).toMatchObject({ code: 0, stderr: "" });
        const editor = async (name: string, script: string): Promise<Record<string, string>> => {
          const path = join(dir, name);
          await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
          return { VISUAL: path, TMPDIR: dir };
        };
        const args = async (): Promise<string> => (await berth.run(["spec", "show", "spec"])).stdout;

        const good = await editor("good", `sed -i 's/SAID=one/SAID=two/' "$1"`);
        const edited = await berth.run(["spec", "edit", "spec"], { env: good });
        expect(edited).toMatchObject({ code: 0, stdout: "", stderr: "" });
        expect(await args()).toContain('"SAID=two"');
        const { labels } = await client.containers.get({}, "spec");

        const faulty = await editor("faulty", `sed -i 's/"cwd": "\\/"/"cwd": "x"/' "$1"`);
        const refused = await berth.run(["spec", "edit", "spec"], { env: faulty });
        expect(refused).toMatchObject({
          code: 2,
          stderr: expect.stringContaining("process.cwd: not an absolute path"),
        });
        const [, kept = ""] = /is kept in ([^)]+)\)/.exec(refused.stderr) ?? [];
        expect(await readFile(kept, "utf8")).toContain('"cwd": "x"');

        const busy = `: > "${dir}/open"; while [ -e "${dir}/open" ]; do sleep 0.02; done`;
        const slow = await editor("slow", `sed -i 's/SAID=two/SAID=three/' "$1"; ${busy}`);
        const late = await berth.start(["spec", "edit", "spec"], { env: slow });
        await until("the editor", () => readFile(join(dir, "open")).then(() => true));
        await client.containers.update({}, { id: "spec", labels: { ...labels, faster: "yes" } }, ["labels"]);
        await rm(join(dir, "open"));
        expect(await late.result).toMatchObject({
          code: 5,
          stderr: expect.stringContaining("changed by somebody else"),
        });
        expect(await args()).toContain('"SAID=two"');
        const untouched = await berth.run(["spec", "edit", "spec"], { env: await editor("idle", ":") });
        expect(untouched).toMatchObject({ code: 0, stderr: "berth: nothing was changed\n" });

        const file = join(dir, "config.json");
        await writeFile(file, (await args()).replace("SAID=two", "SAID=five"));
        expect(await berth.run(["spec", "validate", file])).toEqual({ code: 0, signal: null, stdout: "", stderr: "" });
        const asProcess = await berth.run(["spec", "validate", "--runtime", "io.berth.process.v1", "spec"]);
        expect(asProcess).toMatchObject({ code: 2, stdout: expect.stringMatching(/^error +linux\.namespaces /m) });
        expect(await berth.run(["spec", "edit", "spec", "--file", file])).toMatchObject({ code: 0 });
        expect((await client.containers.get({}, "spec")).labels).toMatchObject({ faster: "yes" });
      });
    }
  },
);

describe.skipIf(requires.root() || requires.containerd())("berth on berthd, which remembers", () => {
  const scope = new DisposeScope();
  let daemon: Berthd;
  let berth: Cli;
  let client: Client;

  beforeAll(async () => {
    const namespace = freshNamespace(scope);
    daemon = await startBerthd(scope);
    berth = createCli("berth", daemon, namespace);
    client = scope.use(connect({ address: daemon.address, namespace }));
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  test("a process of the host: its log and its attempts go on, and so does who waits for it, through a crash", async () => {
    const script = "trap 'exit 4' TERM; echo at work; while :; do sleep 0.02; done";
    const run = ["run", "-d", "--runtime", "io.berth.process.v1", "job", "sh", "-c", script];
    expect(await berth.run(run)).toMatchObject({ code: 0, stderr: "" });
    const lines = async (): Promise<string> => (await berth.run(["logs", "job"])).stdout;
    await until("the first line", async () => (await lines()) === "at work\n");
    expect(await berth.run(["restart", "job"])).toMatchObject({ code: 0, stdout: "job\n", stderr: "" });
    await until("the second line", async () => (await lines()) === "at work\nat work\n");
    const usage: unknown = JSON.parse((await berth.run(["stats", "--no-stream", "--format", "jsonl"])).stdout);
    expect(usage).toMatchObject({ id: "job", cpuPercent: expect.any(Number), memory: expect.any(Number) });

    const waiting = await berth.start(["wait", "job"]);
    await daemon.kill();
    daemon = await daemon.restart();
    expect(await berth.run(["stop", "job"])).toMatchObject({ code: 0, stdout: "job\n", stderr: "" });
    expect(await waiting.result).toMatchObject({ code: 0, stdout: "4\n", stderr: "" });
    const ps = await berth.run(["ps", "-a", "--fields", "id,state,exitStatus,attempt", "--format", "jsonl"]);
    expect(JSON.parse(ps.stdout)).toEqual({ id: "job", state: "exited", exitStatus: 4, attempt: 2 });
    expect(JSON.parse((await berth.run(["inspect", "job"])).stdout)).toMatchObject({
      task: null,
      exits: [
        { attempt: 2, exitStatus: 4, requested: { signal: 15 }, lastLines: ["at work"] },
        { attempt: 1, exitStatus: 4 },
      ],
    });
    // One of the same name that never ran has nothing of this one's.
    await client.containers.delete({}, "job");
    expect(await berth.run(["containers", "create", "--runtime", "io.berth.process.v1", "job", "true"])).toMatchObject({
      code: 0,
    });
    expect((await berth.run(["ps", "-a"])).stdout).toMatch(/^job +- +Created /m);
    expect(await berth.run(["wait", "job"])).toMatchObject({ code: 3, stdout: "" });
  });

  test("what is no container is found among images, snapshots and blobs", async () => {
    const dir = await tempDir(scope);
    const name = "docker.io/library/found:latest";
    const config = { Entrypoint: ["/bin/echo"], StopSignal: "SIGQUIT" };
    await writeFile(join(dir, "found.tar"), ociArchive(testImage([await busyboxLayer()], { config }), name));
    expect(await berth.run(["images", "import", join(dir, "found.tar")])).toMatchObject({ code: 0 });
    expect(await berth.run(["containers", "create", "found", "box"])).toMatchObject({ code: 3 });
    expect(await berth.run(["containers", "create", name, "box"])).toMatchObject({ code: 0 });
    const inspect = async (...args: readonly string[]): Promise<Record<string, unknown>> => {
      const { stdout, stderr } = await berth.run(["inspect", ...args]);
      expect(stderr).toBe("");
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    const image = await inspect("found");
    expect(image).toMatchObject({
      kind: "image",
      name,
      config: { config: { StopSignal: "SIGQUIT" } },
      containers: ["box"],
    });
    const { digest } = image["target"] as { digest: string };
    expect(await inspect(digest)).toMatchObject({
      kind: "content",
      digest,
      images: [name],
      document: { schemaVersion: 2 },
    });
    expect(await inspect("--type", "snapshot", "box")).toMatchObject({
      kind: "snapshot",
      type: "active",
      containers: ["box"],
    });
    expect(await inspect("box")).toMatchObject({
      kind: "container",
      image: { name },
      snapshot: { name: "box" },
      task: null,
    });
    expect(await inspect("--format", "json", "box", "found", "--fields", "kind")).toEqual([
      { kind: "container" },
      { kind: "image" },
    ]);
    expect(await berth.run(["inspect", "nowhere"])).toMatchObject({ code: 3, stdout: "" });
  });
});
