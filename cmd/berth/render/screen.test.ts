// What a person sees of a display in place, on a terminal of a given size, and what a file gets of it.
import { EventEmitter } from "node:events";
import { describe, expect, test } from "vitest";
import { createScreen } from "./screen.js";
import { fitToWidth, widthOf } from "./width.js";

/** A stream that remembers, and says that it is a terminal of that size. */
function terminal(columns: number, rows: number) {
  const emitter = new EventEmitter();
  let written = "";
  return {
    isTTY: true,
    columns,
    rows,
    write: (text: string) => {
      written += text;
    },
    on: (event: "resize", listener: () => void) => emitter.on(event, listener),
    off: (event: "resize", listener: () => void) => emitter.off(event, listener),
    listeners: () => emitter.listenerCount("resize"),
    resize(to: number) {
      this.columns = to;
      emitter.emit("resize");
    },
    take(): string {
      const text = written;
      written = "";
      return text;
    },
  };
}

describe("on a terminal", () => {
  test("each drawing goes over the one before, and clears what is left of it", () => {
    const stream = terminal(80, 24);
    {
      using screen = createScreen(stream);
      screen.draw(["one", "two"]);
      expect(stream.take()).toBe("\u001b[?25l\rone\u001b[K\ntwo\u001b[K\n\u001b[J");
      screen.draw(["three"]);
      expect(stream.take()).toBe("\r\u001b[2Athree\u001b[K\n\u001b[J");
      screen.draw([]);
      expect(stream.take()).toBe("\r\u001b[1A\u001b[J");
    }
    expect(stream.take()).toBe("\r\u001b[K\u001b[?25h");
    expect(stream.listeners()).toBe(0);
  });

  test("nothing is wider or taller than the window, also after it changes", () => {
    const stream = terminal(8, 3);
    using screen = createScreen(stream);
    screen.draw(["0123456789", "b", "c", "d"]);
    expect(stream.take()).toContain("\r012345…\u001b[K\nb\u001b[K\n\u001b[J");
    stream.resize(5);
    expect(stream.take()).toBe("\r\u001b[2A012…\u001b[K\nb\u001b[K\n\u001b[J");
  });

  test("lines that the terminal has broken in two since are drawn over as two", () => {
    const stream = terminal(8, 10);
    using screen = createScreen(stream);
    screen.draw(["0123456", "b"]);
    stream.take();
    stream.resize(5);
    expect(stream.take()).toBe("\r\u001b[3A012…\u001b[K\nb\u001b[K\n\u001b[J");
    stream.resize(20);
    expect(stream.take()).toBe("\r\u001b[2A0123456\u001b[K\nb\u001b[K\n\u001b[J");
  });

  test("what was never drawn leaves no trace", () => {
    const stream = terminal(80, 24);
    createScreen(stream)[Symbol.dispose]();
    expect(stream.take()).toBe("");
  });
});

test("elsewhere drawings follow each other", () => {
  const stream = { ...terminal(80, 24), isTTY: false };
  using screen = createScreen(stream);
  screen.draw(["a".repeat(200)]);
  screen.draw(["b"]);
  expect(stream.take()).toBe(`${"a".repeat(200)}\nb\n`);
});

test.each([
  ["plain", 5],
  ["ключ", 4],
  ["容器", 4],
  ["e\u0301", 1],
  ["🐳 ok", 5],
  ["\u001b[32mrunning\u001b[39m", 7],
  ["", 0],
])("%j takes %i columns", (text, columns) => expect(widthOf(text)).toBe(columns));

test.each([
  ["plain", 5, "plain"],
  ["plain", 4, "pla…"],
  ["容器容器", 6, "容器…"],
  ["容器容器", 5, "容器…"],
  ["容器容器", 4, "容…"],
  ["\u001b[32mrunning\u001b[39m", 7, "\u001b[32mrunning\u001b[39m"],
  ["\u001b[32mrunning\u001b[39m", 4, "\u001b[32mrun\u001b[0m…"],
  ["a\u0007b\tc", 5, "abc"],
  ["abc", 0, ""],
])("%j cut to %i columns is %j", (text, columns, shown) => {
  expect(fitToWidth(text, columns)).toBe(shown);
  expect(widthOf(fitToWidth(text, columns))).toBeLessThanOrEqual(columns);
});
