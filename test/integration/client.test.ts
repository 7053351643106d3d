// `berth run` and its kin against both daemons: stdio, signals and terminal of the process they stand in for, and what they leave
// behind when things go wrong.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Client, connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { type Berthd, startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { ownProgram } from "../helpers/own-program.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { openTerminal } from "../helpers/terminal.js";
import { until } from "../helpers/until.js";

const lacking = requires.root() || requires.binary("containerd-shim-runc-v2") || requires.binary("ctr");
const ENGINES: readonly { name: string; start: (scope: DisposeScope) => Promise<Engine> }[] = [
  { name: "berthd", start: (scope) => startBerthd(scope) },
  { name: "containerd", start: startContainerd },
];
/** Waits in a loop that a signal can break, as sleep alone as first process of a container cannot be. */
/** What happened, and it may be what to do next. */
const ONE_LINE = /^berth: [^\n]+\n(hint: [^\n]+\n)?$/;
const UNTIL_TERM = 'trap "echo got TERM; exit 9" TERM; echo ready; while :; do sleep 0.05; done';

describe.skipIf(lacking).each(ENGINES)("berth on $name", ({ start }) => {
  const scope = new DisposeScope();
  let engine: Engine;
  let client: Client;
  let cli: Cli;
  let namespace: string;
  let rootfs: string;
  let fifoDir: string;

  beforeAll(async () => {
    namespace = freshNamespace(scope);
    const dir = await tempDir(scope);
    rootfs = await makeRootfs(join(dir, "rootfs"));
    fifoDir = join(dir, "fifo");
    await mkdir(fifoDir);
    engine = await start(scope);
    client = scope.use(connect({ address: engine.address, namespace }));
    cli = createCli("berth", engine, namespace);
  });
  afterAll(() => scope[Symbol.asyncDispose]());

  const run = (id: string, ...args: string[]): string[] => [
    "run",
    "--rm",
    "--fifo-dir",
    fifoDir,
    "--rootfs",
    rootfs,
    id,
    ...args,
  ];

  /** Records, tasks, leases and pipes; empty is clean. */
  async function left(): Promise<unknown[]> {
    const [containers, tasks, leases] = await Promise.all([
      client.containers.list({}),
      client.tasks.list({}),
      client.leases.list({}),
    ]);
    return [...containers, ...tasks, ...leases, ...(await readdir(fifoDir))];
  }

  test("passes on output, errors and the exit status", async () => {
    const result = await cli.run(run("plain", "sh", "-c", "echo out; echo err >&2; exit 7"));
    expect(result).toMatchObject({ code: 7, stdout: "out\n", stderr: "err\n" });
    expect(await left()).toEqual([]);
  });

  test("input that ends before the task is there reaches the process, and so does its end", async () => {
    expect(await cli.run(run("early", "cat"), { input: "early\n" })).toMatchObject({ code: 0, stdout: "early\n" });
    expect(await cli.run(run("none", "cat"), { input: "" })).toMatchObject({ code: 0, stdout: "" });
  });

  test("a slow reader gets everything, and berth does not buffer it", async () => {
    const [file, ...first] = ownProgram("berth");
    const args = [...first, "-a", engine.address, "-n", namespace, ...run("slow", "seq", "1", "300000")];
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    await until("the process", async () => (await client.tasks.list({})).some(({ status }) => status === "running"));
    const want = Array.from({ length: 300_000 }, (_, index) => `${index + 1}\n`).join("");
    const ended = once(child, "close");
    expect((await text(child.stdout)) === want).toBe(true);
    expect(await ended).toEqual([0, null]);
  });

  test("when nobody reads the output any more the process is ended", async () => {
    const [file, ...first] = ownProgram("berth");
    const args = [...first, "-a", engine.address, "-n", namespace, ...run("yes", "yes")];
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    const errors = text(child.stderr);
    await once(child.stdout, "data");
    child.stdout.destroy();
    expect((await once(child, "close"))[0]).toBe(137);
    expect(await errors).toBe("");
    expect(await left()).toEqual([]);
  });

  test("signals are the process's", async () => {
    await using program = await cli.start(run("signals", "sh", "-c", UNTIL_TERM));
    await program.waitForOutput(/ready/);
    program.signal("SIGTERM");
    expect(await program.result).toMatchObject({ code: 9, stdout: "ready\ngot TERM\n" });
  });

  test("signals go to the first process, and to none that it has started", async () => {
    const child = 'trap "echo child got TERM" TERM; echo child ready; while :; do sleep 0.05; done';
    const init = `sh -c '${child}' & trap "echo got TERM; exit 9" TERM; echo ready; while :; do sleep 0.05; done`;
    await using program = await cli.start(run("first", "sh", "-c", init));
    await program.waitForOutput(/^child ready$/m);
    await program.waitForOutput(/^ready$/m);
    program.signal("SIGTERM");
    const { code, stdout } = await program.result;
    expect(code).toBe(9);
    expect(
      stdout
        .split("\n")
        .filter((line) => line !== "")
        .sort(),
    ).toEqual(["child ready", "got TERM", "ready"]);
  });

  test.each([
    ["a command that is not there", ["--", "/nope"], /exec: "\/nope".*no such file/],
    ["a working directory that cannot be", ["--cwd", "relative", "--", "true"], /must be absolute/],
    ["a user that is not there", ["--user", "nobody", "--", "true"], /user "nobody" in the root filesystem: not found/],
  ])("%s leaves nothing behind", async (_, [...args], message) => {
    const at = args.indexOf("--");
    const flags = [
      "run",
      "--fifo-dir",
      fifoDir,
      ...args.slice(0, at),
      "--rootfs",
      rootfs,
      "failing",
      ...args.slice(at + 1),
    ];
    const result = await cli.run(flags);
    expect(result).toMatchObject({ code: 125, stdout: "" });
    expect(result.stderr).toMatch(message);
    expect(result.stderr).toMatch(ONE_LINE);
    expect(await left()).toEqual([]);
  });

  test("an id that is taken is refused, and whose it is stays as it was", async () => {
    const theirs = ["run", "-d", "--fifo-dir", fifoDir, "--rootfs", rootfs, "taken", "sleep", "1000"];
    expect((await cli.run(theirs)).code).toBe(0);
    const result = await cli.run(run("taken", "true"));
    expect(result).toMatchObject({ code: 125, stdout: "" });
    expect(result.stderr).toMatch(
      /^berth: [^\n]*already exists\nhint: take another name, or remove it with berth stop taken && berth containers rm taken\n$/,
    );
    expect(await client.tasks.get({}, "taken", "")).toMatchObject({ status: "running" });
    expect((await cli.run(["t", "rm", "-f", "taken"])).code).toBe(0);
    expect((await cli.run(["c", "rm", "taken"])).code).toBe(0);
    expect(await left()).toEqual([]);
  });

  test("an image that is not there is refused in words", async () => {
    const result = await cli.run(["run", "docker.io/library/busybox:latest", "c1", "true"]);
    expect(result.code).toBe(125);
    expect(result.stderr).toContain('image "docker.io/library/busybox:latest"');
  });

  test("--timeout ends the process and removes everything", async () => {
    const result = await cli.run(["--timeout", "3s", ...run("late", "sleep", "1000")]);
    expect(result).toMatchObject({
      code: 125,
      stderr: "berth: context deadline exceeded\nhint: give it more with --timeout, or none\n",
    });
    expect(await left()).toEqual([]);
  });

  test("exec passes on its status, and its pipes go", async () => {
    expect(
      (await cli.run(["run", "-d", "--fifo-dir", fifoDir, "--rootfs", rootfs, "host", "sleep", "1000"])).code,
    ).toBe(0);
    const exec = await cli.run(
      ["t", "exec", "--fifo-dir", fifoDir, "--cwd", "/tmp", "host", "sh", "-c", "pwd; cat; exit 3"],
      {
        input: "in",
      },
    );
    expect(exec).toMatchObject({ code: 3, stdout: "/tmp\nin", stderr: "" });
    const failed = await cli.run(["t", "exec", "--fifo-dir", fifoDir, "--exec-id", "bad", "host", "/nope"]);
    expect(failed.code).toBe(125);
    expect(await client.tasks.pids({}, "host")).toHaveLength(1);
    expect((await cli.run(["t", "rm", "-f", "host"])).code).toBe(0);
    expect((await cli.run(["c", "rm", "host"])).code).toBe(0);
    expect(await left()).toEqual([]);
  });

  test("an interrupt while the task is being made leaves nothing behind", async () => {
    const slow = join(rootfs, "slow-runc");
    const made = join(rootfs, "making");
    await writeFile(slow, `#!/bin/sh\ncase "$*" in *" create "*) : > ${made}; sleep 2;; esac\nexec runc "$@"\n`, {
      mode: 0o755,
    });
    const args = [
      "run",
      "--fifo-dir",
      fifoDir,
      "--runc-binary",
      slow,
      "--rootfs",
      rootfs,
      "interrupted",
      "sleep",
      "1000",
    ];
    await using program = await cli.start(args);
    await until("runc to be called", () => existsSync(made));
    program.signal("SIGINT");
    expect(await program.result).toMatchObject({ code: 130, stdout: "", stderr: "berth: interrupted by SIGINT\n" });
    await until("nothing to be left", async () => (await left()).length === 0);
  });

  test("attach is a guest: losing its output does not end the task", async () => {
    const loop = "while :; do echo x; sleep 0.05; done";
    const started = await cli.run(["run", "-d", "--fifo-dir", fifoDir, "--rootfs", rootfs, "talker", "sh", "-c", loop]);
    expect(started).toMatchObject({ code: 0, stdout: "", stderr: "" });
    const [file, ...first] = ownProgram("berth");
    const args = [...first, "-a", engine.address, "-n", namespace, "t", "attach", "talker"];
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.stdout.destroy();
    expect((await once(child, "close"))[0]).toBe(141);
    const removed = await cli.run(["c", "rm", "talker"]);
    expect(removed).toMatchObject({ code: 5 });
    expect(removed.stderr).toMatch(/talker is running: failed precondition/);
    expect((await cli.run(["t", "rm", "-f", "talker"])).code).toBe(0);
    expect((await cli.run(["c", "rm", "talker"])).code).toBe(0);
    expect(await left()).toEqual([]);
  });

  test.each([
    [["c", "info", "nope"], 3, 'container "nope" in namespace "NAMESPACE": not found', /^berth ps -a shows/],
    [["c", "lss"], 2, "unknown command 'lss'", /^did you mean berth containers ls\?$/],
    [["run", "--rmm"], 125, "unknown option '--rmm'", /^did you mean --rm\?$/],
    [
      ["c", "ls", "--format", "yaml"],
      2,
      "option '--format <format>' argument 'yaml' is invalid. Allowed choices are table, wide, json, jsonl.",
      /^berth containers ls --help shows/,
    ],
    [["t", "kill"], 2, "missing required argument 'container'", /^berth tasks kill --help shows/],
    [["t", "kill", "-s", "NOPE", "x"], 2, 'unknown signal "NOPE"', /^berth tasks kill --help shows/],
    [["c", "ls", "id=="], 2, "filters: parse error: [id==]: expected value or quoted: invalid argument", undefined],
    [
      ["-a", "/nope/b.sock", "c", "ls"],
      6,
      'failed to dial "/nope/b.sock": the socket does not exist; is the daemon running?: unavailable',
      /^that socket is the one that --address names; /,
    ],
  ] as const)("%j is refused in one line, and a second says what to do", async (args, code, message, hint) => {
    const result = await cli.run(args);
    const stderr = result.stderr.replace(namespace, "NAMESPACE").replace(/(: invalid argument)+/, "$1");
    const [said, advice, ...more] = stderr.trimEnd().split("\n");
    expect({ ...result, said, more }).toMatchObject({ code, stdout: "", said: `berth: ${message}`, more: [] });
    expect(advice).toEqual(hint === undefined ? undefined : expect.stringMatching(/^hint: /));
    if (hint !== undefined) expect(advice?.slice("hint: ".length)).toMatch(hint);
  });

  test("with --format json a failure is a line of JSON", async () => {
    const result = await cli.run(["--format", "json", "c", "info", "nope"]);
    expect(result).toMatchObject({ code: 3, stdout: "" });
    const message = `container "nope" in namespace "${namespace}": not found`;
    expect(JSON.parse(result.stderr)).toEqual({
      error: { kind: "not_found", message, hint: "berth ps -a shows what is there" },
    });
  });

  test("the terminal is as it was, also after a failure", async () => {
    const [file, ...first] = ownProgram("berth");
    const berth = [file, ...first, "-a", engine.address, "-n", namespace].join(" ");
    const script = [
      `${berth} ${run("ok", "true").join(" ")}`.replace("run ", "run -t "),
      "stty -a",
      `${berth} ${run("bad", "/nope").join(" ")}`.replace("run ", "run -t "),
      "stty -a; echo the end",
    ].join("; ");
    await using terminal = openTerminal("sh", ["-c", script]);
    const screen = await terminal.waitForScreen(/^the end\r$/m);
    expect(screen.match(/-?\bicanon\b/g)).toEqual(["icanon", "icanon"]);
    expect(screen.match(/-?\bopost\b/g)).toEqual(["opost", "opost"]);
  });
});

describe.skipIf(lacking)("berth run and a daemon that is restarted", () => {
  test("goes on as if nothing had happened", async () => {
    await using scope = new DisposeScope();
    const namespace = freshNamespace(scope);
    const rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
    const daemon: Berthd = await startBerthd(scope);
    const cli = createCli("berth", daemon, namespace);
    await using program = await cli.start(["run", "--rm", "--rootfs", rootfs, "survivor", "sh", "-c", UNTIL_TERM]);
    await program.waitForOutput(/ready/);
    await daemon.kill();
    await daemon.restart();
    program.signal("SIGTERM");
    expect(await program.result).toMatchObject({ code: 9, stdout: "ready\ngot TERM\n" });
  });
});
