import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../../../api/core/dispose.js";
import { tempDir } from "../../../test/helpers/temp.js";
import { dockerBundle, ensureOwner, listBundles, readOwner } from "./folders.js";
import { TaskFile } from "./task-file.js";

const STDIO = { stdin: "", stdout: "/o", stderr: "", terminal: false };
const TASK = { ...STDIO, containerId: "c", pid: 0, isLenient: false, isOomTold: false, execs: {} };
const CREATE = { Cmd: ["true"], Tty: false, AttachStdin: false, AttachStdout: false, AttachStderr: false };

let scope: DisposeScope;
let dir: string;
beforeEach(async () => {
  scope = new DisposeScope();
  dir = await tempDir(scope);
});
afterEach(() => scope[Symbol.asyncDispose]());

test("what is written is read again, times to the nanosecond", async () => {
  const file = await TaskFile.create(dir, TASK);
  const end = { exitStatus: 137, exitedAtNs: 1_795_345_530_047_661_193n };
  await Promise.all([
    file.update({ pid: 7 }),
    file.updateExec("constructor", { ...STDIO, create: CREATE, pid: 8, dockerExecId: "d", end }),
    file.updateExec("gone", { ...STDIO, create: CREATE, pid: 0 }),
    file.update({ end }),
  ]);
  await file.removeExec("gone");
  const read = await TaskFile.read(dir);
  expect(read?.saved).toEqual(file.saved);
  expect(read?.saved).toMatchObject({ pid: 7, end });
  expect(read?.exec("constructor")).toMatchObject({ pid: 8, end });
  expect(read?.exec("toString")).toBeUndefined();
  expect(await readdir(dir)).toEqual(["task.json"]);
});

test("none, one that is broken, and one whose folder has gone", async () => {
  expect(await TaskFile.read(dir)).toBeUndefined();
  await writeFile(join(dir, "task.json"), "{");
  await expect(TaskFile.read(dir)).rejects.toThrow();
  const file = await TaskFile.create(dir, TASK);
  await scope[Symbol.asyncDispose]();
  await file.update({ pid: 9 });
  expect(file.saved.pid).toBe(9);
});

test("an owner is made once, whoever asks at the same time", async () => {
  const roots = { rootDir: join(dir, "root"), stateDir: join(dir, "state") };
  expect(await readOwner(roots)).toBeUndefined();
  expect(await listBundles(roots)).toEqual([]);
  const owners = await Promise.all([ensureOwner(roots), ensureOwner(roots), ensureOwner(roots)]);
  expect(new Set(owners).size).toBe(1);
  expect(await readOwner(roots)).toBe(owners[0]);
  const path = join(roots.rootDir, "io.berth.docker.v1");
  expect(await readdir(path)).toEqual(["owner"]);
  expect(await readFile(join(path, "owner"), "utf8")).toMatch(/^[\da-f]{32}\n$/);
});

test("names that are no identifiers become no path", () => {
  const roots = { rootDir: "/r", stateDir: "/s" };
  expect(dockerBundle(roots, "n", "i").path).toBe("/s/io.berth.docker.v1/n/i");
  for (const [namespace, id] of [["..", "i"] as const, ["n", "../x"] as const, ["n", ""] as const]) {
    expect(() => dockerBundle(roots, namespace, id)).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
  }
});
