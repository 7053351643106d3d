import { expect, test } from "vitest";
import { BackendLock } from "./backend-lock.js";

/** Work that says when it begins and ends when it is told to. */
function job(log: string[], name: string) {
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const work = async () => {
    log.push(name);
    await ended;
    return name;
  };
  return { work, end };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test("shared work runs side by side, exclusive work alone, in the order of the calls", async () => {
  const lock = new BackendLock();
  const log: string[] = [];
  const [a, b, alone, c] = ["a", "b", "alone", "c"].map((name) => job(log, name));
  if (!a || !b || !alone || !c) throw new Error("four jobs");
  const results = [lock.shared(a.work), lock.shared(b.work), lock.exclusive(alone.work), lock.shared(c.work)];
  await settled();
  expect(log).toEqual(["a", "b"]);
  a.end();
  await settled();
  expect(log).toEqual(["a", "b"]);
  b.end();
  await settled();
  expect(log).toEqual(["a", "b", "alone"]);
  alone.end();
  await settled();
  expect(log).toEqual(["a", "b", "alone", "c"]);
  c.end();
  expect(await Promise.all(results)).toEqual(["a", "b", "alone", "c"]);
});

test("work that fails lets the lock go", async () => {
  const lock = new BackendLock();
  const bad = async () => {
    throw new Error("no");
  };
  await expect(lock.exclusive(bad)).rejects.toThrow("no");
  await expect(lock.shared(bad)).rejects.toThrow("no");
  expect(await lock.exclusive(async () => 1)).toBe(1);
});
