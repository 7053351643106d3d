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

test("whoever gives up while waiting is let go and does nothing; those behind have their turn", async () => {
  const mutex = new KeyedMutex();
  const log: string[] = [];
  let release = (): void => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const first = mutex.run("a", () => held);
  const controller = new AbortController();
  const given = mutex.run("a", async () => log.push("given up"), controller.signal);
  const third = mutex.run("a", async () => log.push("third"), new AbortController().signal);
  controller.abort();
  await expect(given).rejects.toMatchObject({ kind: "cancelled" });
  const late = mutex.run("a", async () => log.push("late"), controller.signal);
  await expect(late).rejects.toMatchObject({ kind: "cancelled" });
  release();
  await first;
  await third;
  expect(log).toEqual(["third"]);
  expect(mutex.isHeld("a")).toBe(false);
});

test("a signal that comes after the work has begun changes nothing", async () => {
  const mutex = new KeyedMutex();
  const controller = new AbortController();
  const done = mutex.run(
    "a",
    async () => {
      controller.abort();
      await new Promise((resolve) => setImmediate(resolve));
      return 1;
    },
    controller.signal,
  );
  expect(await done).toBe(1);
});
