import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DisposeScope } from "../../../api/core/dispose.js";
import { tempDir } from "../../../test/helpers/temp.js";
import { findGroup } from "./memory-group.js";

let scope: DisposeScope;
let folder: string;

beforeEach(async () => {
  scope = new DisposeScope();
  folder = await tempDir(scope);
});
afterEach(() => scope[Symbol.asyncDispose]());

async function group(path: string, file: string, kills: number): Promise<void> {
  await mkdir(join(folder, path), { recursive: true });
  await writeFile(join(folder, path, file), `oom_kill_disable 0\nunder_oom 0\noom_kill ${kills}\n`);
}
const v1 = () => ({ v1: new Map([["memory", { folder, own: "/" }]]), unified: undefined });
const v2 = () => ({ v1: new Map(), unified: { folder, own: "/" } });

test("of version 1 and 2", async () => {
  await group("ns/web", "memory.oom_control", 2);
  expect(findGroup(v1(), "5:cpu,memory:/ns/web\n1:name=systemd:/x", "web")?.kills).toBe(2n);
  await group("system.slice/cri-web.scope", "memory.events", 1);
  const found = findGroup(v2(), "0::/system.slice/cri-web.scope\n", "web");
  expect(found?.kills).toBe(1n);
  await rm(join(folder, "system.slice"), { recursive: true });
  expect(found?.kills).toBeUndefined();
});

test("below a part of the hierarchy that is mounted", async () => {
  await group("ns/web", "memory.oom_control", 3);
  expect(findGroup(v1(), "5:memory:/docker/abc/ns/web", "web")?.kills).toBe(3n);
});

test("not one that others share, nor one that is not there", async () => {
  await group("user.slice", "memory.oom_control", 3);
  expect(findGroup(v1(), "5:memory:/user.slice", "web")).toBeUndefined();
  expect(findGroup(v1(), "5:memory:/ns/web", "web")).toBeUndefined();
  expect(findGroup({ v1: new Map(), unified: undefined }, "0::/ns/web", "web")).toBeUndefined();
});
