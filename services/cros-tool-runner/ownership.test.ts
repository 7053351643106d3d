import { expect, test } from "vitest";
import { Ownership } from "./ownership.js";

test("what is declared is owned under its own id only", () => {
  const owned = new Ownership();
  owned.declare("net", "1");
  expect(owned.has("net", "1")).toBe(true);
  expect(owned.has("net", "2")).toBe(false);
  expect(owned.has("other", "1")).toBe(false);
});

test("a name that is declared again stands for the new thing, which is the newest", () => {
  const owned = new Ownership();
  for (const [name, id] of [
    ["a", "1"],
    ["b", "2"],
    ["a", "3"],
  ] as const)
    owned.declare(name, id);
  expect(owned.has("a", "1")).toBe(false);
  expect(owned.newestFirst()).toEqual([
    { name: "a", id: "3" },
    { name: "b", id: "2" },
  ]);
});

test("what is gone is forgotten, a later thing of the name is not", () => {
  const owned = new Ownership();
  owned.declare("a", "1");
  owned.forget("a", "1");
  expect(owned.newestFirst()).toEqual([]);
  owned.declare("a", "2");
  owned.forget("a", "1");
  expect(owned.has("a", "2")).toBe(true);
});
