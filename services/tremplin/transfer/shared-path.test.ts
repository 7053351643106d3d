// Paths of callers stay within the shared folder, whatever lies in it.
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { closeFd } from "../../../runtime/sys/at.js";
import { openShared, sharedNames } from "./shared-path.js";

let dir: string;
let shared: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-shared-"));
  shared = join(dir, "shared");
  mkdirSync(join(shared, "folder"), { recursive: true });
  writeFileSync(join(dir, "secret"), "secret");
  writeFileSync(join(shared, "folder/file"), "content");
});
afterEach(() => rmSync(dir, { recursive: true }));

function readShared(path: string): string {
  const fd = openShared(shared, path, "read");
  try {
    const buffer = Buffer.alloc(100);
    return buffer.toString("utf8", 0, readSync(fd, buffer));
  } finally {
    closeFd(fd);
  }
}

test.each([["folder/file"], ["/folder/file"], ["folder//./file"]])("%s is read", (path) => {
  expect(readShared(path)).toBe("content");
});

test.each([
  [""],
  ["/"],
  ["."],
  ["folder/"],
  ["../secret"],
  ["folder/../../secret"],
  ["folder/../folder/file"],
  ["a\0b"],
])("%j is no path of a file there", (path) => {
  expect(() => sharedNames(path)).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
  expect(() => openShared(shared, path, "write")).toThrow(expect.objectContaining({ kind: "invalid_argument" }));
});

describe("links lead nowhere", () => {
  test("as a file", () => {
    symlinkSync("../secret", join(shared, "link"));
    for (const way of ["read", "write"] as const) {
      expect(() => openShared(shared, "link", way)).toThrow(expect.objectContaining({ code: "ELOOP" }));
    }
    expect(readFileSync(join(dir, "secret"), "utf8")).toBe("secret");
  });

  test("as a folder", () => {
    symlinkSync("..", join(shared, "up"));
    expect(() => openShared(shared, "up/secret", "read")).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
    expect(() => openShared(shared, "up/new", "write")).toThrow(expect.objectContaining({ code: "ENOTDIR" }));
    expect(existsSync(join(dir, "new"))).toBe(false);
  });

  test("to what is not there", () => {
    symlinkSync("../new", join(shared, "link"));
    expect(() => openShared(shared, "link", "write")).toThrow(expect.objectContaining({ code: "ELOOP" }));
    expect(existsSync(join(dir, "new"))).toBe(false);
  });
});

test("a file is made for its owner alone, in a folder that is there", () => {
  closeFd(openShared(shared, "folder/né", "write"));
  expect(statSync(join(shared, "folder/né")).mode & 0o777).toBe(0o600);
  expect(() => openShared(shared, "missing/file", "write")).toThrow(expect.objectContaining({ code: "ENOENT" }));
});

test("what a file holds stays until somebody writes", () => {
  closeFd(openShared(shared, "folder/file", "write"));
  expect(readShared("folder/file")).toBe("content");
});

test("only regular files are opened", () => {
  execFileSync("mkfifo", [join(shared, "fifo")]);
  expect(() => openShared(shared, "fifo", "read")).toThrow(/no regular file/);
  // Nobody reads it.
  expect(() => openShared(shared, "fifo", "write")).toThrow(expect.objectContaining({ code: "ENXIO" }));
  expect(() => openShared(shared, "folder", "read")).toThrow(/no regular file/);
});
