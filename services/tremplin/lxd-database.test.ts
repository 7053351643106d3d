// The folders of an LXD that does not run.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { tempDir } from "../../test/helpers/temp.js";
import {
  finishMove,
  hasOnlyContainer,
  isMoveUnfinished,
  isSomethingLeft,
  moveAside,
  movePoolAside,
  putBack,
} from "./lxd-database.js";

/** Files by their places below a fresh folder, with what is in them. */
async function folderOf(scope: DisposeScope, files: Readonly<Record<string, string>>): Promise<string> {
  const dir = await tempDir(scope);
  await write(dir, files);
  return dir;
}

async function write(dir: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [place, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, place)), { recursive: true });
    await writeFile(join(dir, place), text);
  }
}

const read = (dir: string, place: string): Promise<string> => readFile(join(dir, place), "utf8").catch(() => "none");

const OLD = { "database/db": "old", "networks/lxdbr0/leases": "old", "storage-pools/default/images/x": "old" };
const NEW = { "database/db": "new", "networks/lxdbr0/leases": "new", "storage-pools/default/images/x": "new" };

test("what is moved aside comes back, and with it the pool", async () => {
  await using scope = new DisposeScope();
  const dir = await folderOf(scope, OLD);
  expect(await isMoveUnfinished(dir)).toBe(false);
  await moveAside(dir);
  await movePoolAside(dir, "default");
  expect(await readdir(join(dir, "storage-pools"))).toEqual(["default.old"]);
  await write(dir, NEW);
  expect(await isMoveUnfinished(dir)).toBe(true);
  await putBack(dir);
  expect(await isMoveUnfinished(dir)).toBe(false);
  for (const place of Object.keys(OLD)) expect([place, await read(dir, place)]).toEqual([place, "old"]);
  expect((await readdir(dir)).sort()).toEqual(["database", "networks", "storage-pools"]);
});

test("what is good stays, and a move after it does not bring back what was moved before", async () => {
  await using scope = new DisposeScope();
  const dir = await folderOf(scope, OLD);
  await moveAside(dir);
  await movePoolAside(dir, "default");
  await write(dir, NEW);
  await finishMove(dir);
  expect([await read(dir, "database.old/db"), await readdir(join(dir, "storage-pools"))]).toEqual(["old", ["default"]]);

  await moveAside(dir);
  await putBack(dir);
  for (const place of Object.keys(NEW)) expect([place, await read(dir, place)]).toEqual([place, "new"]);
});

test.each([
  ["before anything was moved", []],
  ["between the two", ["database"]],
])("a move that was cut off %s is undone", async (_, moved) => {
  await using scope = new DisposeScope();
  const dir = await folderOf(scope, { ...OLD, "tremplin-reset": "" });
  for (const folder of moved) await write(dir, { [`${folder}.old/db`]: "older", [`${folder}/db`]: "new" });
  await putBack(dir);
  expect(await read(dir, "database/db")).toBe(moved.length === 0 ? "old" : "older");
  expect(await read(dir, "networks/lxdbr0/leases")).toBe("old");
});

test("a folder without any of it moves as well", async () => {
  await using scope = new DisposeScope();
  const dir = await tempDir(scope);
  await moveAside(dir);
  await putBack(dir);
  expect(await readdir(dir)).toEqual([]);
});

test.each([
  ["one that says its name", { "containers/penguin/backup.yaml": "container:\n  name: penguin\n" }, true],
  ["one of another name", { "containers/web/backup.yaml": "container:\n  name: web\n" }, false],
  ["one that says another", { "containers/penguin/backup.yaml": "container:\n  name: web\n" }, false],
  ["one that says nothing", { "containers/penguin/rootfs/x": "" }, false],
  ["two", { "containers/penguin/backup.yaml": "container:\n  name: penguin\n", "containers/web/x": "" }, false],
  ["none", { "images/x": "" }, false],
])("of a pool with %s", async (_, files, is) => {
  await using scope = new DisposeScope();
  expect(await hasOnlyContainer(await folderOf(scope, files), "penguin")).toBe(is);
});

test("what its networks left running ends with the move, and nothing else does", async () => {
  await using scope = new DisposeScope();
  const dir = await folderOf(scope, { "networks/lxdbr0/dnsmasq.raw": "" });
  const other = await folderOf(scope, { "networks/lxdbr0/dnsmasq.raw": "" });
  const program = async (argv0: string, folder: string) => {
    const file = `--conf-file=${folder}/networks/lxdbr0/dnsmasq.raw`;
    const child = spawn("/bin/sh", ["-c", "read line", file], { argv0, stdio: ["pipe", "ignore", "ignore"] });
    scope.defer(() => void child.kill("SIGKILL"));
    await once(child, "spawn");
    return child;
  };
  const left = await program("/usr/sbin/dnsmasq", dir);
  const ended = once(left, "exit");
  const [somebodys, another] = [await program("dnsmasq", other), await program("cat", dir)];
  expect(await isSomethingLeft(dir)).toBe(true);
  await moveAside(dir);
  expect(await ended).toEqual([null, "SIGTERM"]);
  expect(await isSomethingLeft(dir)).toBe(false);
  expect([somebodys.exitCode, somebodys.signalCode, another.exitCode, another.signalCode]).toEqual([
    null,
    null,
    null,
    null,
  ]);
});
