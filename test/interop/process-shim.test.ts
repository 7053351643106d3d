// Our process shim under a real containerd and under berthd, both steered by ctr: the same commands, the same answers.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { type Cli, createCli } from "../helpers/cli.js";
import { startContainerd } from "../helpers/containerd.js";
import { startBerthd } from "../helpers/daemon.js";
import type { Engine } from "../helpers/engine.js";
import { findLeftovers, pidsWithArgument, taskShimPid } from "../helpers/leftovers.js";
import { PROCESS_RUNTIME, processShimFolder, processSpec, withFolder } from "../helpers/process-shim.js";
import { requires } from "../helpers/requires.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const lacking = requires.root() || requires.binary("containerd") || requires.binary("ctr");
type Start = (scope: DisposeScope, env: Readonly<Record<string, string | undefined>>) => Promise<Engine>;
const ENGINES: readonly (readonly [string, Start])[] = [
  ["containerd", (scope, env) => startContainerd(scope, "", env)],
  ["berthd", (scope, env) => startBerthd(scope, { env })],
];
/** The shim stays for a moment after its last task. */
const SHIM_END_MS = 15_000;

describe.skipIf(lacking).each(ENGINES)("the process shim under %s", (_name, start) => {
  const scope = new DisposeScope();
  let engine: Engine;
  let ctr: Cli;
  let namespace: string;
  let dir: string;

  beforeAll(async () => {
    dir = await tempDir(scope);
    namespace = freshNamespace(scope);
    engine = await start(scope, withFolder(await processShimFolder(scope)));
    ctr = createCli("ctr", engine, namespace);
  }, 120_000);
  afterAll(() => scope[Symbol.asyncDispose]());

  /** The arguments of a run; ctr wants a spec that does not ask for isolation. */
  async function runArgs(id: string, args: readonly string[], ...flags: readonly string[]): Promise<string[]> {
    const config = join(dir, `${id}.json`);
    await writeFile(config, processSpec(args, { terminal: flags.includes("-t") }).value);
    return ["run", ...flags, "--runtime", PROCESS_RUNTIME, "--config", config, id];
  }
  const shimPids = async (): Promise<number[]> => await pidsWithArgument(namespace);

  test("runs a process with input, output and exit status", async () => {
    const args = await runArgs("io", ["sh", "-c", "read line; echo got $line; echo complaint >&2; exit 7"], "--rm");
    // ctr loses an end of input that comes before the task is there.
    await using run = await ctr.start(args);
    await until("the task to run", async () => (await ctr.run(["tasks", "ls"])).stdout.includes("RUNNING"));
    run.write("this\n");
    run.endInput();
    expect(await run.result).toMatchObject({
      code: 7,
      stdout: "got this\n",
      stderr: expect.stringContaining("complaint"),
    });
    expect((await ctr.run(["tasks", "ls", "-q"])).stdout).toBe("");
  });

  test("one shim has all tasks; execs, signals, pause and metrics are theirs", async () => {
    for (const id of ["first", "second"]) {
      expect(await ctr.run(await runArgs(id, ["sleep", "1000"], "-d"))).toMatchObject({ code: 0 });
    }
    const keepers = await Promise.all(["first", "second"].map((id) => taskShimPid(engine.stateDir, namespace, id)));
    expect(keepers[0]).toBe(keepers[1]);
    expect(await readFile(`/proc/${keepers[0]}/cwd/etc/hostname`, "utf8")).toBe(
      await readFile("/etc/hostname", "utf8"),
    );
    const exec = await ctr.run(["tasks", "exec", "--exec-id", "e", "first", "sh", "-c", "echo in first; exit 3"]);
    expect(exec).toMatchObject({ code: 3, stdout: "in first\n" });
    expect(await ctr.run(["tasks", "pause", "first"])).toMatchObject({ code: 0 });
    expect((await ctr.run(["tasks", "ls"])).stdout).toMatch(/first\s+\d+\s+PAUSED/);
    expect(await ctr.run(["tasks", "resume", "first"])).toMatchObject({ code: 0 });
    expect((await ctr.run(["tasks", "metrics", "first"])).stdout).toContain("pids.current");
    expect((await ctr.run(["tasks", "ps", "first"])).stdout).toMatch(/^\d+\s+-$/m);
    expect(await ctr.run(["tasks", "kill", "-s", "SIGTERM", "first"])).toMatchObject({ code: 0 });
    await until("first to stop", async () => /first\s+\d+\s+STOPPED/.test((await ctr.run(["tasks", "ls"])).stdout));
    expect((await ctr.run(["tasks", "rm", "first"])).stderr).toContain("143");
    expect((await ctr.run(["tasks", "ls"])).stdout).toMatch(/second\s+\d+\s+RUNNING/);
    await ctr.run(["tasks", "rm", "-f", "second"]);
    for (const id of ["first", "second"]) await ctr.run(["containers", "rm", id]);
  });

  test("gives a terminal", async () => {
    const terminal = ctr.terminal(await runArgs("tty", ["sh", "-c", "tty; stty size; exit 4"], "--rm", "-t"), {
      columns: 91,
      rows: 23,
    });
    const { code, screen } = await terminal.exit;
    expect(screen).toMatch(/\/dev\/pts\/\d+\r+\n/);
    expect(code).toBe(4);
  });

  test("a spec that asks for isolation is refused by name, and nothing is left", async () => {
    const config = join(dir, "isolated.json");
    const spec: object = JSON.parse(processSpec(["true"]).value.toString());
    await writeFile(config, JSON.stringify({ ...spec, hostname: "x", root: { path: "/srv" } }));
    const { code, stderr } = await ctr.run(["run", "--rm", "--runtime", PROCESS_RUNTIME, "--config", config, "no"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/hostname.*root\.path|root\.path.*hostname/s);
    expect((await ctr.run(["tasks", "ls", "-q"])).stdout).toBe("");
    expect((await ctr.run(["containers", "ls", "-q"])).stdout).toBe("");
  });

  test("a shim that is killed takes its tasks along, and the next task gets another one", async () => {
    await ctr.run(await runArgs("lost", ["sleep", "1000"], "-d", "--null-io"));
    const init = Number(/lost\s+(\d+)/.exec((await ctr.run(["tasks", "ls"])).stdout)?.[1]);
    process.kill(await taskShimPid(engine.stateDir, namespace, "lost"), "SIGKILL");
    await until("the task to be gone", async () => (await ctr.run(["tasks", "ls", "-q"])).stdout === "");
    await until("its process to be gone", () => !existsProcess(init));
    await ctr.run(["containers", "rm", "lost"]);
    const again = await ctr.run(await runArgs("again", ["echo", "again"], "--rm"));
    expect(again).toMatchObject({ code: 0, stdout: "again\n" });
  });

  test("nothing is left but the shim, which ends when nobody needs it", async () => {
    const own = engine.name === "berthd" ? [] : await shimPids();
    if (own.length > 0) await until("the shim to end", async () => (await shimPids()).length === 0, SHIM_END_MS);
    const left = await findLeftovers(engine, namespace, ["io", "first", "second", "tty", "no", "lost", "again"]);
    expect(left.filter((line) => !line.startsWith("shim process"))).toEqual([]);
  });
});

function existsProcess(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
