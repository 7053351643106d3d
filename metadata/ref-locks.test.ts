import { expect, test } from "vitest";
import { formatDuration, RefLocks } from "./ref-locks.js";

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

test("a ref is held once, and free when it was let go", () => {
  let nowNs = 1_700_000_000_000_000_000n;
  const locks = new RefLocks(() => nowNs);
  const release = locks.take("ns/r", "ns/1/r");
  nowNs += 2_000_000_000n;
  expect(() => locks.take("ns/r", "ns/1/r")).toThrow(
    "ref ns/1/r locked for 2s (since 2023-11-14 22:13:20 +0000 UTC): unavailable",
  );
  release();
  const again = locks.take("ns/r", "ns/1/r");
  release();
  expect(() => locks.take("ns/r", "ns/1/r")).toThrow(/unavailable$/);
  again();
});
