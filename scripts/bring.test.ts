// Where node-gyp is told to find headers: beside Node, and only its own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { headersEnvironment } from "./bring.mjs";

let prefix: string;
let node: string;
beforeEach(() => {
  vi.stubEnv("npm_config_nodedir", undefined);
  prefix = mkdtempSync(join(tmpdir(), "berth-headers-"));
  node = join(prefix, "bin", "node");
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(prefix, { recursive: true });
});

function writeHeaders(version: string): void {
  const folder = join(prefix, "include", "node");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "node.h"), "");
  const [major, minor, patch] = version.split(".");
  const lines = Object.entries({ MAJOR: major, MINOR: minor, PATCH: patch });
  const text = lines.map(([part, number]) => `#define NODE_${part}_VERSION ${number}\n`).join("");
  writeFileSync(join(folder, "node_version.h"), text);
}

test("headers of this Node are named", () => {
  writeHeaders(process.versions.node);
  expect(headersEnvironment(node)).toEqual({ npm_config_nodedir: prefix });
});

test("what the caller has set stands", () => {
  writeHeaders(process.versions.node);
  vi.stubEnv("npm_config_nodedir", "/elsewhere");
  expect(headersEnvironment(node)).toEqual({});
});

test("headers of another Node are not", () => {
  writeHeaders("1.2.3");
  expect(headersEnvironment(node)).toEqual({});
});

test("where there are none, node-gyp gets them itself", () => {
  expect(headersEnvironment(node)).toEqual({});
});
