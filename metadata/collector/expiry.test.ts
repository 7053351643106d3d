// Times of labels, as Go reads them.
import { describe, expect, test } from "vitest";
import { hasExpired, parseTime } from "./expiry.js";

const NOON = 1_704_110_400n * 1_000_000_000n;

describe("a time", () => {
  test.each([
    ["2024-01-01T12:00:00Z", NOON],
    ["2024-01-01T14:30:00+02:30", NOON],
    ["2024-01-01T12:00:00.5Z", NOON + 500_000_000n],
    ["2024-01-01T12:00:00,5Z", NOON + 500_000_000n],
    ["2024-01-01T12:00:00.000000001Z", NOON + 1n],
    ["2024-01-01T12:00:00.0000000019Z", NOON + 1n],
    ["2024-02-29T12:00:00Z", NOON + 59n * 86_400_000_000_000n],
    ["1969-12-31T23:59:59.5Z", -500_000_000n],
  ])("%s", (text, ns) => {
    expect(parseTime(text)).toBe(ns);
  });

  test.each([
    "",
    "garbage",
    "2024-01-01",
    "2024-01-01 12:00:00Z",
    "2024-01-01T12:00:00",
    "2024-01-01t12:00:00z",
    "2024-01-01T12:00:00.Z",
    "2024-01-01T12:00Z",
    "2024-13-01T12:00:00Z",
    "2023-02-29T12:00:00Z",
    "2024-04-31T12:00:00Z",
    "2024-01-01T24:00:00Z",
    "2024-01-01T12:60:00Z",
    "2024-01-01T12:00:60Z",
    "2024-01-01T12:00:00+25:00",
    " 2024-01-01T12:00:00Z",
  ])("%s is none", (text) => {
    expect(parseTime(text)).toBeUndefined();
  });

  test.each([
    [undefined, false],
    ["garbage", false],
    ["2024-01-01T11:59:59.999999999Z", true],
    ["2024-01-01T12:00:00Z", false],
    ["2024-01-01T12:00:00.000000001Z", false],
  ])("%s has passed at noon: %s", (value, passed) => {
    expect(hasExpired(value, NOON)).toBe(passed);
  });
});
