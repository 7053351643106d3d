import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DisposeScope } from "../../../api/core/dispose.js";
import { tempDir } from "../../../test/helpers/temp.js";
import { lacksOf } from "./lacks.js";

const RUNC_SHIM = "io.containerd.runc.v2";

test.each([
  ["no runc", RUNC_SHIM, undefined, /^runc is not in PATH$/],
  ["a runc that is old", RUNC_SHIM, "echo runc version 0.1.1", /runc is of version 0\.1\.1, and 1\.0 is needed$/],
  ["a runc of today", RUNC_SHIM, "echo runc version 1.1.5+ds1; echo commit: x", undefined],
  ["a runc that fails", RUNC_SHIM, "exit 3", /runc does not work: /],
  ["one that says nothing of itself", RUNC_SHIM, "echo hello", undefined],
  ["no runc, which another shim does not need", "io.berth.process.v1", undefined, undefined],
  ["no shim", "io.other.shim.v1", undefined, /^there is none$/],
])("%s", async (_, runtime, runc, lack) => {
  await using scope = new DisposeScope();
  const bin = join(await tempDir(scope), "bin");
  await mkdir(bin);
  if (runc !== undefined) {
    await writeFile(join(bin, "runc"), `#!/bin/sh\n${runc}\n`);
    await chmod(join(bin, "runc"), 0o755);
  }
  const resolve = async (name: string): Promise<string> => {
    if (name === "io.other.shim.v1") throw new Error("there is none");
    return `/shims/${name}`;
  };
  const said = await lacksOf(runtime, resolve, `relative:${bin}`);
  if (lack === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(lack);
});
