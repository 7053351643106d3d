import { expect, test } from "vitest";
import { KeyedMutex } from "./keyed-mutex.js";

test("one after another per key, side by side otherwise, whatever fails", async () => {
  const mutex = new KeyedMutex();
  const log: string[] = [];
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = mutex.run("a", async () => {
    log.push("first begins");
    await held;
    log.push("first ends");
    throw new Error("first");
  });
  const second = mutex.run("a", async () => {
    log.push("second");
    return 2;
  });
  expect(await mutex.run("b", async () => log.push("other"))).toBe(2);
  release();
  await expect(first).rejects.toThrow("first");
  expect(await second).toBe(2);
  expect(log).toEqual(["first begins", "other", "first ends", "second"]);
});
