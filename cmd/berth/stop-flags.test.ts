import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import { UsageError } from "./exit-status.js";
import { parseGrace, stopOptionsOf } from "./stop-flags.js";

test.each([
  ["10", 10_000],
  ["0", 0],
  ["1m30s", 90_000],
  ["500ms", 500],
  ["-1", Number.POSITIVE_INFINITY],
])("--time %s is %d ms", (text, want) => {
  expect(parseGrace(text)).toBe(want);
});

test.each(["", "soon", "-1s", "1.5.2s"])("--time %j is refused", (text) => {
  expect(() => parseGrace(text)).toThrow(InvalidArgumentError);
});

test("the signal is the one that was asked for, else the image's, else SIGTERM", () => {
  const labels = { "io.containerd.image.config.stop-signal": "SIGQUIT" };
  expect(stopOptionsOf({ time: 5, signal: "int" }, { labels })).toEqual({ signal: 2, graceMs: 5 });
  expect(stopOptionsOf({ time: 5 }, { labels })).toEqual({ signal: 3, graceMs: 5 });
  expect(stopOptionsOf({ time: 5 }, { labels: {} })).toEqual({ signal: 15, graceMs: 5 });
  expect(() => stopOptionsOf({ time: 5, signal: "nonsense" }, { labels })).toThrow(UsageError);
});
