import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../../api/core/dispose.js";
import { tempDir } from "../../test/helpers/temp.js";
import { EngineFolders, makeEngineBundle } from "./folders.js";

const RUNTIME = "io.berth.some.v1";

test("an owner is made once, whoever asks at the same time", async () => {
  await using scope = new DisposeScope();
  const dir = await tempDir(scope);
  const folders = new EngineFolders({ rootDir: join(dir, "root"), stateDir: join(dir, "state") }, RUNTIME);
  expect(await folders.readOwner()).toBeUndefined();
  expect(await folders.bundles()).toEqual([]);
  const owners = await Promise.all([folders.ensureOwner(), folders.ensureOwner(), folders.ensureOwner()]);
  expect(new Set(owners).size).toBe(1);
  expect(await folders.readOwner()).toBe(owners[0]);
  const path = join(dir, "root", RUNTIME);
  expect(await readdir(path)).toEqual(["owner"]);
  expect(await readFile(join(path, "owner"), "utf8")).toMatch(/^[\da-f]{32}\n$/);
});

test("a bundle is made once and found again", async () => {
  await using scope = new DisposeScope();
  const dir = await tempDir(scope);
  const folders = new EngineFolders({ rootDir: dir, stateDir: dir }, RUNTIME);
  const bundle = folders.bundle("n", "i");
  await makeEngineBundle(bundle, Buffer.from("{}"));
  expect(await readFile(join(bundle.path, "config.json"), "utf8")).toBe("{}");
  await expect(makeEngineBundle(bundle, Buffer.from("{}"))).rejects.toThrow(`mkdir ${bundle.path}: file exists`);
  expect(await folders.bundles()).toEqual([bundle]);
});

test("names that are no identifiers become no path", () => {
  const folders = new EngineFolders({ rootDir: "/r", stateDir: "/s" }, RUNTIME);
  expect(folders.bundle("n", "i").path).toBe("/s/io.berth.some.v1/n/i");
  for (const [namespace, id] of [["..", "i"] as const, ["n", "../x"] as const, ["n", ""] as const]) {
    expect(() => folders.bundle(namespace, id)).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
  }
});
