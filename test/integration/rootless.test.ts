// Daemon, shim and command line of an ordinary user on a host without runc: places by the XDG rules, processes as tasks, no flags.
import { access, chmod, chown, mkdir, readdir, symlink } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { ownProgram } from "../helpers/own-program.js";
import { processShimFolder } from "../helpers/process-shim.js";
import { type Program, type ProgramResult, runProgram, startProgram } from "../helpers/program.js";
import { tempDir } from "../helpers/temp.js";
import { Hopeless, until } from "../helpers/until.js";

/** Nobody on any host, without an entry in /etc/passwd; tests that are not root's are themselves. */
const isRoot = process.getuid?.() === 0;
const UID = isRoot ? 61_234 : (process.getuid?.() ?? 0);
const PREFIX = isRoot ? ["setpriv", "--reuid", `${UID}`, "--regid", `${UID}`, "--clear-groups"] : [];
/** All that is on PATH besides the shim. */
const PROGRAMS = ["cat", "env", "id", "pwd", "setpriv", "sh", "sleep", "tty"];

const scope = new DisposeScope();
let dir: string;
let env: Record<string, string | undefined>;
let daemon: Program;

beforeAll(async () => {
  dir = await tempDir(scope);
  await chmod(dir, 0o755);
  const bin = join(dir, "bin");
  await mkdir(bin);
  await symlink(process.execPath, join(bin, "node"));
  for (const name of PROGRAMS) await symlink(await find(name), join(bin, name));
  for (const name of ["home", "run"]) {
    await mkdir(join(dir, name), { mode: 0o700 });
    if (isRoot) await chown(join(dir, name), UID, UID);
  }
  const nothing = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
  env = {
    ...nothing,
    HOME: join(dir, "home"),
    XDG_RUNTIME_DIR: join(dir, "run"),
    PATH: [await processShimFolder(scope), bin].join(delimiter),
  };
  const [file, args] = asUser(ownProgram("berthd"));
  daemon = await startProgram(file, [...args, "--log-level", "debug"], { env, cwd: dir, timeoutMs: 600_000 });
  scope.defer(() => daemon.stop());
  let hasEnded = false;
  void daemon.result.then(() => {
    hasEnded = true;
  });
  await until("berthd to be ready", () => {
    if (hasEnded) throw new Hopeless(daemon.stderr());
    return daemon.stderr().includes("berthd ready");
  });
}, 120_000);
afterAll(() => scope[Symbol.asyncDispose]());

async function find(name: string): Promise<string> {
  for (const folder of ["/usr/bin", "/bin"]) {
    const path = join(folder, name);
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
  }
  throw new Error(`no ${name} in /usr/bin and /bin`);
}

/** Found before PATH is cleared. */
function asUser(command: readonly string[]): readonly [string, string[]] {
  const [file = "", ...args] = [...PREFIX, ...command];
  return [file === "setpriv" ? "/usr/bin/setpriv" : file, args];
}

async function berth(...args: string[]): Promise<ProgramResult> {
  const [file, first] = asUser(ownProgram("berth"));
  return await runProgram(file, [...first, ...args], { env, cwd: dir });
}

test("a process runs without any flag, as its user, where the command was given", async () => {
  const { code, stdout, stderr } = await berth("run", "--rm", "hello", "sh", "-c", "id -u; pwd; echo no >&2; exit 3");
  expect({ code, stdout, stderr }).toEqual({ code: 3, stdout: `${UID}\n${dir}\n`, stderr: "no\n" });
});

test("what is asked of it is done: exec, pause, signals, the list of its processes", async () => {
  expect(await berth("run", "-d", "--null-io", "bg", "sleep", "1000")).toMatchObject({ code: 0 });
  expect(await berth("tasks", "pause", "bg")).toMatchObject({ code: 0 });
  expect((await berth("tasks", "ls")).stdout).toMatch(/bg\s+\d+\s+PAUSED/);
  expect(await berth("tasks", "resume", "bg")).toMatchObject({ code: 0 });
  expect(await berth("tasks", "exec", "--exec-id", "e", "bg", "sh", "-c", "exit 4")).toMatchObject({ code: 4 });
  expect((await berth("tasks", "ps", "bg")).stdout).toMatch(/^\d+\s+-/m);
  expect(await berth("tasks", "kill", "-s", "9", "bg")).toMatchObject({ code: 0 });
  await until("it to stop", async () => /bg\s+\d+\s+STOPPED/.test((await berth("tasks", "ls")).stdout));
  await berth("tasks", "rm", "bg");
  expect(await berth("containers", "rm", "bg")).toMatchObject({ code: 0 });
});

test("a right that is missing is named", async () => {
  const asRoot = await berth("run", "--rm", "--user", "0:0", "no", "id");
  expect(asRoot).toMatchObject({ code: 125, stderr: expect.stringMatching(/process\.user\.uid 0 needs CAP_SETUID/) });
  const image = await berth("run", "--rm", "docker.io/library/busybox:latest", "no", "id");
  expect(image.stderr).toMatch(/is no container id; with runtime io\.berth\.process\.v1/);
  const runc = await berth("run", "--rm", "--runtime", "io.containerd.runc.v2", "--rootfs", "/", "no", "id");
  expect(runc.stderr).toMatch(/binary not installed "containerd-shim-runc-v2"/);
  expect((await berth("containers", "ls", "-q")).stdout).toBe("");
});

test("everything lies in the user's folders, and ends with the daemon when no task is left", async () => {
  expect(await readdir(join(dir, "home/.local/share/berth"))).toContain("metadata.db");
  expect(await readdir(join(dir, "run/berth"))).toContain("berth.sock");
  expect(await readdir(join(dir, "run/berth/s"))).toHaveLength(1);
  await daemon.stop();
  expect(await readdir(join(dir, "run/berth/s"))).toEqual([]);
  expect(await daemon.result).toMatchObject({ code: 0 });
});
