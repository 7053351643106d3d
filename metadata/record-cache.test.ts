import fc from "fast-check";
import { expect, test } from "vitest";
import { RecordCache } from "./record-cache.js";

const bytes = (size: number) => Buffer.alloc(size);
const present = (cache: RecordCache, keys: readonly string[]) => keys.filter((key) => cache.get(key) !== undefined);

test("never answers with anything but the last bytes that were put in", () => {
  const key = fc.constantFrom("a", "b", "c", "d");
  const size = fc.integer({ min: 0, max: 3_000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.constantFrom("get", "set", "delete"), size)), (steps) => {
      const cache = new RecordCache(10_000);
      const last = new Map<string, Buffer>();
      for (const [key, verb, size] of steps) {
        if (verb === "set") {
          const value = bytes(size);
          cache.set(key, value);
          last.set(key, value);
        } else if (verb === "delete") {
          cache.delete(key);
          last.delete(key);
        } else {
          const found = cache.get(key);
          if (found !== undefined) expect(found).toBe(last.get(key));
        }
      }
    }),
  );
});

test("holds no more than its bytes, and what is used stays", () => {
  const cache = new RecordCache(100_000);
  const keys = Array.from({ length: 300 }, (_, n) => `k${n}`);
  cache.set("used", bytes(1_000));
  for (const key of keys) {
    cache.set(key, bytes(1_000));
    expect(cache.get("used")).toBeDefined();
  }
  const kept = present(cache, keys);
  expect(kept.length).toBeLessThan(100);
  expect(kept.length).toBeGreaterThan(20);
  expect(kept).toContain("k299");
});

test("one that would push out everything else is not kept, and drops what it replaces", () => {
  const cache = new RecordCache(10_000);
  cache.set("a", bytes(100));
  cache.set("b", bytes(100));
  cache.set("a", bytes(9_000));
  expect(present(cache, ["a", "b"])).toEqual(["b"]);
});
