import { closeSync, constants, openSync, writeSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Logger, silentLogger } from "../../../api/core/log.js";
import { until } from "../../../test/helpers/until.js";
import { ShimLog } from "./log-fifo.js";

let dir: string;
let lines: string[];
let log: Logger;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "berth-log-"));
  lines = [];
  const level =
    (name: string): Logger["info"] =>
    ({ line }) =>
      void lines.push(`${name}: ${String(line)}`);
  log = { ...silentLogger, debug: level("debug"), warn: level("warn"), error: level("error") };
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

function openToWrite(path: string): number {
  return openSync(join(path, "log"), constants.O_WRONLY | constants.O_NONBLOCK);
}

test("lines come whole, by their level, from one writer after another", async () => {
  using _log = ShimLog.open(dir, log);
  expect((await stat(join(dir, "log"))).mode & 0o777).toBe(0o700);
  for (const text of ['time="x" level=info msg="a"\ntime="x" level=err', 'or msg="b"\n\npanic: c\nlevel=warning d\n']) {
    const fd = openToWrite(dir);
    writeSync(fd, text);
    closeSync(fd);
    const seen = lines.length;
    await until("the lines", () => lines.length > seen);
  }
  await until("all lines", () => lines.length === 4);
  expect(lines).toEqual([
    'debug: time="x" level=info msg="a"',
    'error: time="x" level=error msg="b"',
    "warn: panic: c",
    "warn: level=warning d",
  ]);
});

test("a pipe that is there already is opened again", async () => {
  ShimLog.open(dir, log)[Symbol.dispose]();
  using _log = ShimLog.open(dir, log);
  const fd = openToWrite(dir);
  writeSync(fd, "again\n");
  closeSync(fd);
  await until("the line", () => lines.length === 1);
});

test("many open logs leave the thread pool to others", async () => {
  const logs: ShimLog[] = [];
  try {
    for (let index = 0; index < 16; index += 1) {
      const path = join(dir, String(index));
      await mkdir(path);
      logs.push(ShimLog.open(path, log));
    }
    await writeFile(join(dir, "file"), "read");
    expect(await readFile(join(dir, "file"), "utf8")).toBe("read");
  } finally {
    for (const open of logs) open[Symbol.dispose]();
  }
});

test("a writer of more than a pipe holds is not kept waiting", async () => {
  using _log = ShimLog.open(dir, log);
  const fd = openToWrite(dir);
  const line = `${"x".repeat(1023)}\n`;
  let written = 0;
  await until("a mebibyte to be taken", () => {
    try {
      while (written < 1024) {
        writeSync(fd, line);
        written += 1;
      }
      return true;
    } catch (error) {
      // Full for the moment: the reader has to have its turn.
      if (error instanceof Error && "code" in error && error.code === "EAGAIN") return false;
      throw error;
    }
  });
  closeSync(fd);
  await until("every line", () => lines.length === 1024);
});
