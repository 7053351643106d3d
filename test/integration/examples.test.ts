// The examples, each run as its header says, by the shell of whoever has just cloned this.
import { mkdir, stat, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../api/client/index.js";
import { DisposeScope } from "../../api/core/dispose.js";
import { startBerthd } from "../helpers/daemon.js";
import { ordinaryUser } from "../helpers/ordinary-user.js";
import { processShimFolder, withFolder } from "../helpers/process-shim.js";
import { type Program, type ProgramResult, runProgram, startProgram } from "../helpers/program.js";
import { requires } from "../helpers/requires.js";
import { makeRootfs } from "../helpers/rootfs.js";
import { freshNamespace, tempDir } from "../helpers/temp.js";
import { until } from "../helpers/until.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const noContainers = requires.root() || requires.binary("containerd-shim-runc-v2");

const scope = new DisposeScope();
let env: Record<string, string | undefined>;
let rootfs: string;

beforeAll(async () => {
  const namespace = freshNamespace(scope);
  // Daemons end first, then what is left of them.
  const folder = await processShimFolder(scope);
  const home = await tempDir(scope);
  env = { ...withFolder(folder), HOME: home, BERTH_NAMESPACE: namespace };
  if (!noContainers) rootfs = await makeRootfs(join(await tempDir(scope), "rootfs"));
});
afterAll(() => scope[Symbol.asyncDispose]());

interface Options {
  readonly args?: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const wordsOf = (name: string): string[] => ["--import", "tsx", join("examples", `${name}.ts`)];

async function start(name: string, options: Options = {}): Promise<Program> {
  const words = [...wordsOf(name), ...(options.args ?? [])];
  const { input } = options;
  return scope.use(
    await startProgram(process.execPath, words, {
      cwd: ROOT,
      env: { ...env, ...options.env },
      ...(input !== undefined && { input }),
    }),
  );
}

/** Runs it to its end, which has to be a good one. */
async function runToEnd(name: string, options: Options = {}): Promise<string> {
  const program = await start(name, { input: "", ...options });
  const { code, stderr, stdout } = await program.result;
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
  return stdout;
}

const linesOf = (text: string): string[] => text.trim().split("\n");

test("embedding: a daemon in the program", async () => {
  expect(await runToEnd("embed")).toMatch(/^web \{ team: 'blue' \} \d{4}-/);
});

test("job runner: what there is to see of good and bad jobs", async () => {
  expect(linesOf(await runToEnd("job-runner")).sort()).toEqual([
    expect.stringMatching(/^fails: exit status 3 .*no luck/),
    'hello: exit status 0 {"stdout":"hello from a job\\n","stderr":""}',
    expect.stringMatching(/^not there: could not be run: .*executable file not found in \$PATH/),
    'too long: timed out after 500 ms {"stdout":"","stderr":""}',
    // SIGXFSZ
    expect.stringMatching(/^too much: exit status 153 /),
  ]);
});

test("job runner: as an ordinary user, with neither runc nor its shims in PATH", async () => {
  const { uid, dir, home, runtimeDir } = await ordinaryUser(scope);
  const tools = join(dir, "tools");
  await mkdir(tools);
  for (const name of ["sh", "head", "sleep", "echo"]) await symlink(`/bin/${name}`, join(tools, name));
  const words = [process.execPath, ...wordsOf("job-runner")];
  // By its path: PATH is the example's.
  const asUser = ["/usr/bin/setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
  const [file = "", ...args] = process.getuid?.() === 0 ? [...asUser, ...words] : words;
  const unset = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
  const PATH = [await processShimFolder(scope), tools].join(delimiter);
  const own = { ...unset, PATH, HOME: home, XDG_RUNTIME_DIR: runtimeDir, TMPDIR: dir };
  const { code, stdout, stderr } = await runProgram(file, args, { cwd: ROOT, env: own });
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^hello: exit status 0 .*hello from a job/m);
  expect(stdout).toMatch(/^too long: timed out after 500 ms/m);
});

test("job runner: jobs from outside, given up when it is stopped", async () => {
  const runner = await start("job-runner", { args: ["-"] });
  runner.write('{"name":"quick","args":["echo","done"]}\n{"name":"slow","args":["sleep","600"]}\n');
  await runner.waitForOutput(/^quick: exit status 0 \{"stdout":"done\\n"/m);
  await runner.stop();
  expect(await runner.result).toMatchObject({
    code: 130,
    stderr: "",
    stdout: expect.stringMatching(/^slow: given up$/m),
  });
});

/** Runs the fixture's tests, kills them in the middle, and runs them again. */
async function killFixture(more: Record<string, string>): Promise<ProgramResult> {
  const own = { FIXTURE_DIR: await tempDir(scope), NODE_OPTIONS: "", ...more };
  const killed = await start("test-fixture", { env: { ...own, STAY: "1" } });
  const [, pid] = /staying with process (\d+)/.exec(await killed.waitForOutput(/staying with process \d+/)) ?? [];
  killed.signal("SIGKILL");
  await killed.result;
  const isGone = (): Promise<boolean> =>
    stat(`/proc/${pid}`).then(
      () => false,
      () => true,
    );
  if (more["ROOTFS"] === undefined) await until("the process to end with its tests", isGone);
  const second = await (await start("test-fixture", { input: "", env: own })).result;
  await until("the process to end", isGone);
  return second;
}

/** What Node's test runner prints at the end, as TAP or, from Node 23 on, as its own form. */
const clean = {
  code: 0,
  stderr: "",
  stdout: expect.stringMatching(/removing what was left of: a test that stays(?:.|\n)*[#ℹ] pass 3\n[#ℹ] fail 0/),
};

test("test fixture: processes end with the tests that are killed, and the next run removes the rest", async () => {
  expect(await killFixture({})).toMatchObject(clean);
});

test.skipIf(noContainers)("test fixture: containers end at the next run", async () => {
  expect(await killFixture({ ROOTFS: rootfs })).toMatchObject(clean);
});

test("watcher: tells what happens, also after its daemon was away", async () => {
  const namespace = freshNamespace(scope);
  const daemon = await startBerthd(scope);
  const watcher = await start("watch-events", { args: [daemon.address, namespace] });
  /** The subscription is not answered, so one that is missed is followed by another. */
  const heard = async (prefix: string): Promise<void> => {
    await using client = connect({ address: daemon.address, namespace });
    const runtime = { name: "io.containerd.runc.v2" };
    let count = 0;
    await until("the watcher to tell", async () => {
      count += 1;
      await client.containers.create(
        {},
        { id: `${prefix}${count}`, labels: {}, runtime, spec: { typeUrl: "x", value: Buffer.from("{}") } },
      );
      return new RegExp(`${namespace}: container ${prefix}\\d+ was made for io.containerd.runc.v2`).test(
        watcher.stdout(),
      );
    });
  };
  await heard("before");
  await daemon.kill();
  await daemon.restart();
  await heard("after");
  await watcher.stop();
  expect((await watcher.result).code).toBe(0);
});

test.skipIf(noContainers)("snippet service: limits hold", async () => {
  const service = await start("snippet-service", { args: [rootfs] });
  const [url = ""] = /http:\S+/.exec(await service.waitForOutput(/listening on http:\S+\n/)) ?? [];
  const post = async (body: string): Promise<unknown> => await (await fetch(url, { method: "POST", body })).json();
  const good = { exitStatus: 0, timedOut: false, truncated: false, stderr: "" };
  expect(await post("echo hi; id -u; exit 3")).toEqual({ ...good, exitStatus: 3, stdout: "hi\n65534\n" });
  expect(await post("while :; do :; done")).toMatchObject({ exitStatus: 137, timedOut: true });
  expect(await post("touch /tmp/ok && echo ok; touch /etc/no")).toMatchObject({
    stdout: "ok\n",
    stderr: expect.stringMatching(/Read-only/),
  });
  expect(await post("ls /sys/class/net; sed -n 's/^CapBnd:.//p' /proc/self/status")).toEqual({
    ...good,
    stdout: "lo\n0000000000000000\n",
  });
  expect(await post("i=0; while [ $i -lt 40 ]; do sleep 1 & i=$((i+1)); done")).toMatchObject({
    stderr: expect.stringMatching(/can't fork/),
  });
  expect(await post("tail -c 200000000 /dev/zero | wc -c")).toMatchObject({ stderr: "Killed\n" });
  expect(await post("yes")).toMatchObject({ truncated: true, timedOut: true });
  expect((await fetch(url)).status).toBe(405);
  expect((await fetch(url, { method: "POST", body: "x".repeat(70_000) })).status).toBe(413);
  await service.stop();
  expect(await service.result).toMatchObject({ code: 0, stderr: "" });
});

test("custom driver: threads as tasks", async () => {
  expect(linesOf(await runToEnd("custom-driver"))).toEqual([
    '{"code":"console.log(6 * 7)","exitStatus":0,"stdout":"42\\n","stderr":""}',
    '{"code":"process.exit(3)","exitStatus":3,"stdout":"","stderr":""}',
    expect.stringMatching(/"exitStatus":1,"stdout":"","stderr":"Error: no luck\\n"/),
    "endless: 137",
  ]);
});

test("gRPC client: the package's protos are enough", async () => {
  const { address } = await startBerthd(scope);
  expect(linesOf(await runToEnd("grpc-client", { args: [address] }))).toEqual([
    expect.stringMatching(/^version 1\.\d+\.\d+\+berth\./),
    'container example {"team":"blue"}',
    'again: ALREADY_EXISTS: container "example": already exists',
  ]);
});
