import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeFifo } from "./fifo.js";
import { isHungUp } from "./hang-up.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-sys-"));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

test("a pipe is hung up once its last reader has left", () => {
  const path = join(dir, "pipe");
  makeFifo(path, 0o600);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  expect(isHungUp(writer)).toBe(false);
  closeSync(reader);
  expect(isHungUp(writer)).toBe(true);
  closeSync(writer);
});

test("a file never is", () => {
  const path = join(dir, "file");
  writeFileSync(path, "");
  const fd = openSync(path, "w");
  expect(isHungUp(fd)).toBe(false);
  closeSync(fd);
});
