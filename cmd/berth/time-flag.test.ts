import { expect, test } from "vitest";
import { parseTime } from "./time-flag.js";

const NOW_MS = Date.parse("2026-11-22T17:00:00Z");
const ns = (time: string, fraction = 0n): bigint => BigInt(Date.parse(time)) * 1_000_000n + fraction;

test.each([
  ["2026-11-22T17:00:00Z", ns("2026-11-22T17:00:00Z")],
  ["2026-11-22t17:00:00.123456789z", ns("2026-11-22T17:00:00Z", 123_456_789n)],
  ["2026-11-22T17:00:00.5+02:00", ns("2026-11-22T15:00:00Z", 500_000_000n)],
  ["2026-11-22 17:00:00+0200", ns("2026-11-22T15:00:00Z")],
  ["2026-11-22T17:00", ns("2026-11-22T17:00:00")],
  ["2026-11-22", ns("2026-11-22T00:00:00")],
  ["10m", ns("2026-11-22T16:50:00Z")],
  ["1h30m", ns("2026-11-22T15:30:00Z")],
  ["2d", ns("2026-11-20T17:00:00Z")],
  ["1d12h", ns("2026-11-21T05:00:00Z")],
  ["0", ns("2026-11-22T17:00:00Z")],
  ["1795366800.25", 1_795_366_800_250_000_000n],
])("%s is a time", (text, want) => {
  expect(parseTime(text, NOW_MS)).toBe(want);
});

test.each([
  "",
  "now",
  "-5m",
  "10",
  "2026-02-30",
  "2026-13-01",
  "2026-11-22T25:00Z",
  "2026-11-22T17:00:00X",
  "d",
  "1d-2h",
])("%j is none", (text) => {
  expect(() => parseTime(text, NOW_MS)).toThrow("neither a time such as");
});
