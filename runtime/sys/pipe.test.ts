// Pipes and pseudo terminals, made for real.
import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { expect, test } from "vitest";
import { duplicate, makePipe } from "./pipe.js";
import { openPseudoTerminal, setWindowSize } from "./pseudo-terminal.js";

function readText(fd: number): string {
  const chunk = Buffer.alloc(100);
  return chunk.toString("utf8", 0, readSync(fd, chunk));
}

test("a pipe ends when every descriptor of its writing end is closed", () => {
  const { readEnd, writeEnd } = makePipe();
  const again = duplicate(writeEnd);
  closeSync(writeEnd);
  writeSync(again, "hello");
  closeSync(again);
  expect(readText(readEnd)).toBe("hello");
  expect(readText(readEnd)).toBe("");
  closeSync(readEnd);
  expect(() => duplicate(readEnd)).toThrow("EBADF");
});

test("what is written to a terminal is read at the other end, in a terminal's way", () => {
  const { fd, path } = openPseudoTerminal();
  expect(() => readText(fd)).toThrow("EAGAIN");
  const terminal = openSync(path, constants.O_RDWR | constants.O_NOCTTY);
  setWindowSize(fd, 100, 30);
  writeSync(terminal, "hello\n");
  expect(readText(fd)).toBe("hello\r\n");
  closeSync(terminal);
  expect(() => readText(fd)).toThrow("EIO");
  closeSync(fd);
  expect(() => setWindowSize(fd, 1, 1)).toThrow("EBADF");
});
