import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../../../api/core/dispose.js";
import { tempDir } from "../../../test/helpers/temp.js";
import { createTaskFile, readTaskFile } from "./task-file.js";

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
  const file = await createTaskFile(dir, TASK);
  const end = { exitStatus: 137, exitedAtNs: 1_795_345_530_047_661_193n };
  await Promise.all([
    file.update({ pid: 7 }),
    file.updateExec("constructor", { ...STDIO, create: CREATE, pid: 8, dockerExecId: "d", end }),
    file.updateExec("gone", { ...STDIO, create: CREATE, pid: 0 }),
    file.update({ end }),
  ]);
  await file.removeExec("gone");
  const read = await readTaskFile(dir);
  expect(read?.saved).toEqual(file.saved);
  expect(read?.saved).toMatchObject({ pid: 7, end });
  expect(read?.exec("constructor")).toMatchObject({ pid: 8, end });
  expect(read?.exec("toString")).toBeUndefined();
  expect(await readdir(dir)).toEqual(["task.json"]);
});

test("none, one that is broken, and one whose folder has gone", async () => {
  expect(await readTaskFile(dir)).toBeUndefined();
  await writeFile(join(dir, "task.json"), "{");
  await expect(readTaskFile(dir)).rejects.toThrow();
  const file = await createTaskFile(dir, TASK);
  await scope[Symbol.asyncDispose]();
  await file.update({ pid: 9 });
  expect(file.saved.pid).toBe(9);
});
