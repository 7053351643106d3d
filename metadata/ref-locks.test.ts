import { expect, test } from "vitest";
import { RefLocks } from "./ref-locks.js";

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
