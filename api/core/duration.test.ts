import { describe, expect, test } from "vitest";
import { formatDuration, parseDuration } from "./duration.js";

test.each([
  [0n, "0s"],
  [999n, "999ns"],
  [1_500n, "1.5µs"],
  [508_360_000n, "508.36ms"],
  [1_000_000_000n, "1s"],
  [61_500_000_000n, "1m1.5s"],
  [3_600_000_000_000n, "1h0m0s"],
])("%s ns read %s, as Go prints them", (durationNs, text) => {
  expect(formatDuration(durationNs)).toBe(text);
});

describe("a duration", () => {
  test.each([
    ["0", 0],
    ["+0", 0],
    ["-0", 0],
    ["1h", 3_600e9],
    ["1h30m", 5_400e9],
    ["-1.5h", -5_400e9],
    ["+5s", 5e9],
    [".5s", 5e8],
    ["1.s", 1e9],
    ["1us", 1e3],
    ["1µs", 1e3],
    ["1μs", 1e3],
    ["100ms", 1e8],
    ["3ns", 3],
  ])("%s is %i ns", (text, ns) => {
    expect(parseDuration(text)).toBe(ns);
  });

  test.each(["", "1", "h", "1d", "1h ", "1 h", "--1h", ".s", "1e3s", "-"])("%s is none", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });
});
