// The launcher with every shell that a system may have as its sh.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requires } from "../../test/helpers/requires.js";
import { until } from "../../test/helpers/until.js";
import { reapChild } from "../sys/child.js";
import { type Environment, parseEnvironment } from "./environment.js";
import { launch } from "./launcher.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-launch-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

async function output(shell: string, args: readonly string[], environment: Environment): Promise<string> {
  const file = join(dir, "out");
  const fd = openSync(file, "a+");
  const request = { args, environment, cwd: "/", umask: 0o22, changes: [], terminalPath: undefined };
  const launcher = launch({ ...request, descriptors: [fd, fd, fd] }, shell);
  closeSync(fd);
  await launcher.ready();
  launcher.release();
  await until("its end", () => reapChild(launcher.pid) !== undefined);
  return readFileSync(file, "utf8");
}

describe.each(["dash", "bash", "busybox"])("with %s", (name) => {
  test.skipIf(requires.binary(name))("a program has its environment and its arguments as they are", async () => {
    const folders = ["/bin", "/usr/bin", "/usr/sbin", "/sbin"];
    const path = folders.map((folder) => join(folder, name)).find((file) => openable(file));
    const shell = join(dir, "sh");
    symlinkSync(path ?? name, shell);
    const env = ["PATH=/usr/bin:/bin", "A=1\n", "odd name= \\ \n'", "B=", "SHLVL=5", "LD_X=1", "RANDOM=7", "_=x"];
    const text = await output(shell, ["env", "-0"], parseEnvironment(env));
    expect(text.split("\0").slice(0, -1).sort()).toEqual([...env].sort());
    rmSync(join(dir, "out"));
    const words = ["printf", "<%s>", "", "a b", "-n", "$x\n\\n"];
    expect(await output(shell, words, parseEnvironment(["PATH=/usr/bin:/bin"]))).toBe("<><a b><-n><$x\n\\n>");
    rmSync(join(dir, "out"));
    expect(await output(shell, ["/usr/bin/env"], new Map())).toBe("");
  });
});

function openable(path: string): boolean {
  try {
    closeSync(openSync(path, "r"));
    return true;
  } catch {
    return false;
  }
}

test("one that is let go of ends by itself", async () => {
  const fd = openSync("/dev/null", "r+");
  const environment = parseEnvironment(["PATH=/usr/bin:/bin"]);
  const request = { args: ["true"], environment, cwd: "/", umask: 0o22, changes: [], terminalPath: undefined };
  const launcher = launch({ ...request, descriptors: [fd, fd, fd] });
  closeSync(fd);
  await launcher.ready();
  launcher[Symbol.dispose]();
  launcher[Symbol.dispose]();
  let status: number | undefined;
  await until("its end", () => {
    status = reapChild(launcher.pid);
    return status !== undefined;
  });
  expect(status).toBe(125);
});

test("one whose terminal is not there fails before it is ready", async () => {
  const fd = openSync("/dev/null", "r+");
  const request = { args: ["true"], environment: new Map(), cwd: "/", umask: 0o22, changes: [] };
  const launcher = launch({ ...request, terminalPath: "/nowhere/tty", descriptors: [fd, fd, fd] });
  closeSync(fd);
  await expect(launcher.ready()).rejects.toThrow("the launcher ended early");
  await until("its end", () => reapChild(launcher.pid) !== undefined);
});
