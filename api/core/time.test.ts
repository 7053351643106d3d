import { expect, test } from "vitest";
import { createClock, formatTime, fromTimestamp, systemClock, toTimestamp, ZERO_TIME_SECONDS } from "./time.js";

test("the clock runs finer than milliseconds, and follows a wall clock that was set", () => {
  let [wall, monotonic] = [1_000, 50.25];
  const clock = createClock(
    () => wall,
    () => monotonic,
  );
  const start = clock();
  expect(start).toBe(1_000_000_000n);
  monotonic += 0.5;
  expect(clock() - start).toBe(500_000n);
  wall += 3_600_000;
  expect(clock()).toBe(3_601_000_000_000n);
  wall -= 7_200_000;
  expect(clock()).toBe(-3_599_000_000_000n);
});

test("this machine's clock tells its time", () => {
  const before = BigInt(Date.now());
  const now = systemClock() / 1_000_000n;
  expect(now).toBeGreaterThanOrEqual(before - 3n);
  expect(now).toBeLessThanOrEqual(BigInt(Date.now()) + 3n);
});

test.each([
  ["nothing", undefined, ZERO_TIME_SECONDS, 0, "0001-01-01T00:00:00Z"],
  ["a time", 1_500_000_000_120_000_000n, 1_500_000_000n, 120_000_000, "2017-07-14T02:40:00.12Z"],
  ["a time before 1970", -1n, -1n, 999_999_999, "1969-12-31T23:59:59.999999999Z"],
])("%s goes over the wire and back", (_, timeNs, seconds, nanos, text) => {
  expect(toTimestamp(timeNs)).toMatchObject({ seconds, nanos });
  expect(fromTimestamp(toTimestamp(timeNs))).toBe(timeNs);
  expect(formatTime(timeNs)).toBe(text);
});
