// Containers of a Docker engine from the command line and the library: run, stdio, exit status, exec, networks, limits, and the
// news of an image that is pulled.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import { BUSYBOX, type DockerEngine, startEngine } from "../helpers/docker-engine.js";
import { busyboxLayer, testImage } from "../helpers/image.js";
import { ociArchive } from "../helpers/image-archive.js";
import { REGISTRY_USER } from "../helpers/registry.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const RUNTIME = "io.berth.docker.v1";
/** Says who and where it is. */
const TELLER = "berth.test/teller:1";

describe.skipIf(requires.containerd() || requires.binary("dockerd"))("berth on a docker engine", () => {
  const scope = new DisposeScope();
  let docker: DockerEngine;
  let daemon: Berthd;
  let cli: Cli;
  let namespace: string;
  let loginDir: string;
  let count = 0;

  beforeAll(async () => {
    docker = await startEngine(scope);
    await docker.buildImage(TELLER, {
      files: {
        tell: '#!/bin/sh\necho "entry $* of $(id -un) in $(pwd) with $A"\n',
        "etc/passwd": "root:x:0:0::/:/bin/sh\nkeeper:x:7:8::/:/bin/sh\nother:x:9:10::/:/bin/sh\n",
      },
      instructions: ["ENV A=image", "WORKDIR /tmp", "USER keeper", 'ENTRYPOINT ["/tell"]', 'CMD ["by", "default"]'],
    });
    loginDir = await tempDir(scope);
    daemon = await startBerthd(scope, {
      config: `[docker]\nhost = "${docker.host}"\n`,
      env: { DOCKER_CONFIG: loginDir, DOCKER_HOST: undefined },
    });
    namespace = freshNamespace(scope);
    cli = createCli("berth", daemon, namespace);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const newId = (): string => {
    count += 1;
    return `c${count}`;
  };
  const run = (flags: readonly string[], image: string, ...args: readonly string[]) =>
    cli.run(["run", "--rm", "--runtime", RUNTIME, ...flags, image, newId(), ...args]);

  test.each([
    ["nothing said", [], [], "entry by default of keeper in /tmp with image"],
    ["a command in the place of the entrypoint", [], ["/bin/sh", "-c", "echo $A; id -un; pwd"], "image\nkeeper\n/tmp"],
    ["a variable", ["--env", "A=mine"], [], "entry by default of keeper in /tmp with mine"],
    ["a variable taken away", ["--env", "A"], [], "entry by default of keeper in /tmp with "],
    ["another folder", ["--cwd", "/bin"], [], "entry by default of keeper in /bin with image"],
    ["another user", ["--user", "other"], [], "entry by default of other in /tmp with image"],
    ["a user and a group by number", ["--user", "7:1000"], ["/bin/sh", "-c", "id -u; id -g"], "7\n1000"],
  ])("what differs from the image: %s", async (_, flags, args, said) => {
    expect(await run(flags, TELLER, ...args)).toMatchObject({ code: 0, stdout: `${said}\n`, stderr: "" });
  });

  test("a shell is left by the keys that detach, and come back to", async () => {
    const id = newId();
    const first = ["run", "-t", "--runtime", RUNTIME, "--env", "PS1=box$ ", BUSYBOX, id, "sh"];
    await using terminal = cli.terminal(first);
    await terminal.waitForScreen(/box\$ /);
    terminal.type("kept=here; echo is $kept\r");
    await terminal.waitForScreen(/^is here\r$/m);
    terminal.type("\u0010\u0011");
    expect(await terminal.exit).toMatchObject({ code: 0, screen: expect.stringContaining(`attach ${id}`) });
    await using again = cli.terminal(["attach", id]);
    again.type("echo still $kept; exit 7\r");
    expect(await again.exit).toMatchObject({ code: 7, screen: expect.stringMatching(/^still here\r$/m) });
    expect(await cli.run(["c", "rm", id])).toMatchObject({ code: 0 });
  });

  test("a program's exit status, output and input are those of berth", async () => {
    const script = "read line; echo out $line; echo err >&2; cat; exit 7";
    const id = newId();
    const program = await cli.start(["run", "--rm", "--runtime", RUNTIME, BUSYBOX, id, "sh", "-c", script]);
    program.write("one\n");
    await program.waitForOutput(/out one/);
    program.write("two\n");
    program.endInput();
    expect(await program.result).toMatchObject({ code: 7, stdout: "out one\ntwo\n", stderr: "err\n" });
  });

  test("a signal to berth is one to the program", async () => {
    const args = [
      "run",
      "--rm",
      "--runtime",
      RUNTIME,
      BUSYBOX,
      newId(),
      "sh",
      "-c",
      "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done",
    ];
    const program = await cli.start(args);
    await program.waitForOutput(/up/);
    program.signal("SIGTERM");
    expect((await program.result).code).toBe(9);
  });

  test("a terminal", async () => {
    await using terminal = cli.terminal(["run", "--rm", "-t", "--runtime", RUNTIME, BUSYBOX, newId(), "sh"], {
      columns: 91,
      rows: 17,
    });
    await terminal.waitForScreen(/# /);
    // Docker gives a terminal its size when the program runs already.
    terminal.type("tty; until stty size 2>/dev/null | grep '17 91'; do sleep 0.05; done; exit 5\r");
    expect(await terminal.exit).toMatchObject({ code: 5, screen: expect.stringMatching(/dev\/pts\/0\s+17 91/) });
  });

  test("in the background: listed, joined by processes, measured, frozen, attached to, killed, removed", async () => {
    const id = newId();
    const script = "trap 'echo bye; exit 3' TERM; read line; echo got $line; while :; do sleep 0.05; done";
    expect(await cli.run(["run", "-d", "--runtime", RUNTIME, BUSYBOX, id, "sh", "-c", script])).toMatchObject({
      code: 0,
      stderr: "",
    });
    const tasks = await cli.run(["tasks", "ls"]);
    const [, pid, status] = new RegExp(`^${id} +(\\d+) +(\\S+)`, "m").exec(tasks.stdout) ?? [];
    expect([await docker.must(["inspect", "-f", "{{.State.Pid}}", `berth-${namespace}-${id}`]), "RUNNING"]).toEqual([
      pid,
      status,
    ]);
    expect((await cli.run(["tasks", "ps", id])).stdout).toContain(pid);
    const exec = await cli.run(
      ["tasks", "exec", "--env", "B=2", "--cwd", "/tmp", id, "sh", "-c", "pwd; echo $B; cat; exit 4"],
      {
        input: "in",
      },
    );
    expect(exec).toMatchObject({ code: 4, stdout: "/tmp\n2\nin", stderr: "" });
    expect((await cli.run(["tasks", "exec", "-u", "7:8", id, "id", "-g"])).stdout).toBe("8\n");
    expect((await cli.run(["tasks", "metrics", id])).stdout).toMatch(/pids\.current +[12]/);
    await cli.run(["tasks", "pause", id]);
    expect((await cli.run(["tasks", "ls"])).stdout).toContain("PAUSED");
    await cli.run(["tasks", "resume", id]);
    const attached = await cli.start(["tasks", "attach", id]);
    attached.write("a line\n");
    await attached.waitForOutput(/got a line/);
    expect((await cli.run(["tasks", "kill", id])).code).toBe(0);
    expect(await attached.result).toMatchObject({ code: 3, stdout: "got a line\nbye\n" });
    expect((await cli.run(["containers", "rm", id])).code).toBe(0);
  });

  test("day by day: what it uses and runs, stopped with what it has written, begun anew", async () => {
    const id = newId();
    const script = "trap 'exit 3' TERM; echo once >>/said; echo awake; echo troubled >&2; while :; do :; done";
    await cli.run(["run", "-d", "--runtime", RUNTIME, "--memory-limit", "64m", BUSYBOX, id, "sh", "-c", script]);
    const logs = (...flags: readonly string[]) => cli.run(["logs", ...flags, id]);
    await until("its lines", async () => (await logs("--format", "jsonl")).stdout.split("\n").length > 2);
    expect(await logs()).toMatchObject({ code: 0, stdout: "awake\n", stderr: "troubled\n" });
    const json = async (...args: readonly string[]): Promise<unknown> =>
      JSON.parse((await cli.run([...args, "--format", "json"])).stdout);
    const [usage, top] = [await json("stats", "--no-stream", id), await json("top", "--no-stream", id)];
    expect(usage).toEqual([
      expect.objectContaining({ id, memoryLimit: 64 * 2 ** 20, networkSent: expect.any(Number) }),
    ]);
    expect(top).toEqual([expect.objectContaining({ innerPid: 1, command: `sh -c ${script}` })]);
    expect(await cli.run(["restart", id])).toMatchObject({ code: 5, stderr: expect.stringContaining("--discard") });
    expect(await cli.run(["stop", id])).toMatchObject({ code: 0, stderr: expect.stringContaining("stays, stopped") });
    expect((await cli.run(["ps", "-a"])).stdout).toMatch(new RegExp(`^${id} +\\S+ +Exited \\(3\\) .* ago`, "m"));
    expect(await cli.run(["restart", "--discard", id])).toMatchObject({ code: 0, stdout: `${id}\n`, stderr: "" });
    expect((await cli.run(["tasks", "exec", id, "cat", "/said"])).stdout).toBe("once\n");
    await until("its lines again", async () => (await logs("--stdout")).stdout === "awake\nawake\n");
    expect(await cli.run(["stop", "--discard", id])).toMatchObject({ code: 0, stderr: "" });
    expect((await cli.run(["containers", "rm", id])).code).toBe(0);
  });

  test("why it ended: the engine's own client, want of memory, berth", async () => {
    const [killed, hungry, stopped] = [newId(), newId(), newId()];
    const start = (...args: string[]) => cli.run(["run", "-d", "--runtime", RUNTIME, ...args]);
    await Promise.all([
      start(BUSYBOX, killed, "sleep", "1000"),
      start("--memory-limit", "16m", BUSYBOX, hungry, "tail", "-c", "400000000", "/dev/zero"),
      start(BUSYBOX, stopped, "sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.05; done"),
    ]);
    await Promise.all([docker.must(["kill", `berth-${namespace}-${killed}`]), cli.run(["stop", "--discard", stopped])]);
    const exitOf = (id: string, fields = {}) =>
      until(`the end of ${id}`, async () => {
        const [exit] = JSON.parse((await cli.run(["exits", "--format", "json", id])).stdout);
        expect(exit).toMatchObject(fields);
        return exit as unknown;
      });
    expect(await exitOf(killed)).toMatchObject({ exitStatus: 137, signal: 9, requested: null, runtime: RUNTIME });
    // The engine's word may come behind the end.
    const ranOut = await exitOf(hungry, { outOfMemory: true });
    expect(ranOut).toMatchObject({ exitStatus: 137, why: "out of memory" });
    expect(await exitOf(stopped)).toMatchObject({ exitStatus: 3, requested: { signal: 15, uid: 0, by: "berth stop" } });
    await cli.run(["tasks", "rm", killed, hungry]);
    expect((await cli.run(["containers", "rm", killed, hungry, stopped])).code).toBe(0);
  });

  test("in two steps", async () => {
    const id = newId();
    expect((await cli.run(["containers", "create", "--runtime", RUNTIME, TELLER, id])).code).toBe(0);
    expect(await cli.run(["tasks", "start", id])).toMatchObject({
      code: 0,
      stdout: "entry by default of keeper in /tmp with image\n",
    });
    expect((await cli.run(["containers", "rm", id])).code).toBe(0);
  });

  test("an exec is as the image has it, too", async () => {
    const id = newId();
    await cli.run(["run", "-d", "--runtime", RUNTIME, TELLER, id, "sleep", "1000"]);
    const exec = await cli.run(["tasks", "exec", id, "/tell", "exec"]);
    expect(exec.stdout).toBe("entry exec of keeper in /tmp with image\n");
    await cli.run(["tasks", "rm", "-f", id]);
    await cli.run(["containers", "rm", id]);
  });

  test("mounts, a read-only root, a host name and limits", async () => {
    await writeFile(join(docker.dir, "note"), "from outside\n");
    const mount = `type=bind,src=${join(docker.dir, "note")},dst=/note,options=rbind:ro`;
    const flags = ["--mount", mount, "--read-only", "--hostname", "box", "--memory-limit", "64m", "--cpus", "0.5"];
    const id = newId();
    const script = "cat /note; hostname; touch /x; echo more >>/note";
    const ran = await cli.run(["run", "--runtime", RUNTIME, ...flags, BUSYBOX, id, "sh", "-c", script]);
    expect(ran.stdout).toBe("from outside\nbox\n");
    expect(ran.stderr.match(/Read-only file system/g)).toHaveLength(2);
    await cli.run(["run", "-d", "--runtime", RUNTIME, ...flags, BUSYBOX, `${id}b`, "sleep", "1000"]);
    const format = "{{.HostConfig.Memory}} {{.HostConfig.CpuQuota}}/{{.HostConfig.CpuPeriod}}";
    const limits = await docker.must(["inspect", "-f", format, `berth-${namespace}-${id}b`]);
    expect(limits).toBe(`${64 * 2 ** 20} 50000/100000`);
    expect((await cli.run(["tasks", "metrics", `${id}b`])).stdout).toMatch(/limit_in_bytes|limit/);
    await cli.run(["tasks", "rm", "-f", `${id}b`]);
    await cli.run(["containers", "rm", id, `${id}b`]);
  });

  test("networks: a published port, the engine's own, none", async () => {
    const id = newId();
    const serve = "echo hello >/tmp/index.html; exec httpd -f -p 80 -h /tmp";
    await cli.run(["run", "-d", "--runtime", RUNTIME, "-p", "18080:80", BUSYBOX, id, "sh", "-c", serve]);
    const page = await until("the page", async () => {
      const { code, stdout } = await docker.inNetwork(["busybox", "wget", "-qO-", "http://127.0.0.1:18080/"]);
      return code === 0 && stdout;
    });
    expect(page).toBe("hello\n");
    expect(await docker.must(["port", `berth-${namespace}-${id}`])).toBe("80/tcp -> 127.0.0.1:18080");
    await cli.run(["tasks", "rm", "-f", id]);
    await cli.run(["containers", "rm", id]);
    const own = (await docker.inNetwork(["readlink", "/proc/self/ns/net"])).stdout;
    expect((await run(["--net-host"], BUSYBOX, "readlink", "/proc/self/ns/net")).stdout).toBe(own);
    expect((await run(["--network", "none"], BUSYBOX, "ls", "/sys/class/net")).stdout).toBe("lo\n");
  });

  test("an image that only berth has", async () => {
    const archive = join(docker.dir, "ours.tar");
    const config = { Entrypoint: ["/bin/echo"], Cmd: ["ours"] };
    await writeFile(archive, ociArchive(testImage([await busyboxLayer()], { config }), "berth.test/ours:1"));
    expect((await cli.run(["images", "import", "--no-unpack", archive])).code).toBe(0);
    expect(await run(["--pull", "never"], "berth.test/ours:1")).toMatchObject({ code: 0, stdout: "ours\n" });
    expect(await docker.must(["images", "-q", "berth.test/ours:1"])).not.toBe("");
  });

  test("an image that nobody has is pulled, and the way is shown", async () => {
    const registry = await docker.startRegistry({ needsPassword: true });
    const name = `${registry.host}/box:1`;
    await docker.must(["login", "-u", REGISTRY_USER.username, "--password-stdin", registry.host], {
      input: REGISTRY_USER.secret,
    });
    await docker.buildImage(name, { files: { extra: "of its own" } });
    await docker.must(["push", name]);
    await docker.must(["rmi", name]);
    const refused = await run(["--pull", "never"], name, "true");
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining("it is not to be pulled") });
    const without = await run([], name, "true");
    expect(without).toMatchObject({ code: 125, stderr: expect.stringMatching(/docker: pull image .*basic auth/) });
    process.kill(registry.pid, "SIGSTOP");
    const id = newId();
    const interrupted = await cli.start(["run", "--rm", "--runtime", RUNTIME, name, id, "true"]);
    await until("the container's record", async () => (await cli.run(["containers", "ls", "-q"])).stdout.includes(id));
    interrupted.signal("SIGINT");
    expect((await interrupted.result).code).toBe(130);
    process.kill(registry.pid, "SIGCONT");
    expect((await cli.run(["containers", "ls", "-q"])).stdout).toBe("");
    const auth = Buffer.from(`${REGISTRY_USER.username}:${REGISTRY_USER.secret}`).toString("base64");
    await writeFile(join(loginDir, "config.json"), JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const pulled = await run([], name, "echo", "here");
    expect(pulled).toMatchObject({ code: 0, stdout: "here\n" });
    expect(pulled.stderr).toMatch(new RegExp(`^${name}: saved\\b`, "m"));
    expect(pulled.stderr).toMatch(/^elapsed: /m);
  });

  test.each([
    ["--rootfs, --platform: with runtime", ["--rootfs", "--platform", "linux/arm64"], [BUSYBOX, "x"]],
    ['port "x" is not', ["-p", "x"], [BUSYBOX, "x"]],
    ["--net-host and --network exclude", ["--net-host", "--network", "n"], [BUSYBOX, "x"]],
    ["container id must be provided", [], [BUSYBOX]],
  ])("%s is refused", async (message, flags, words) => {
    const { code, stderr } = await cli.run(["run", "--runtime", RUNTIME, ...flags, ...words]);
    expect([code, stderr]).toEqual([125, expect.stringContaining(message)]);
  });

  test("--publish is for Docker alone", async () => {
    const { stderr } = await cli.run(["run", "-p", "80", BUSYBOX, "x"]);
    expect(stderr).toContain(`--publish: only with runtime ${RUNTIME}`);
  });

  test("a real containerd has no such runtime", async () => {
    const engine = await startContainerd(scope);
    const other = createCli("berth", engine, freshNamespace(scope));
    const { code, stderr } = await other.run(["run", "--rm", "--runtime", RUNTIME, BUSYBOX, "x"]);
    expect(stderr).toMatch(
      /^berth: runtime io\.berth\.docker\.v1 is one of berthd's: a daemon of version \S+ has no such/,
    );
    expect(code).toBe(125);
    expect((await other.run(["containers", "ls", "-q"])).stdout).toBe("");
  });

  test("nothing is left of all that", async () => {
    expect((await cli.run(["containers", "ls", "-q"])).stdout).toBe("");
    expect((await cli.run(["tasks", "ls", "-q"])).stdout).toBe("");
    expect(await docker.must(["ps", "-aq"])).toBe("");
  });
});
