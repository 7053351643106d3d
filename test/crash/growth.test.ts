import { describe, expect, test } from "vitest";
import { growth, LINE_SAMPLES, rise, type Sample } from "./growth.js";

const FLAT: Sample = { rssMib: 150, descriptors: 34, shims: 6, mounts: 2, walMib: 4 };
const samples = (count: number, at: (n: number) => Partial<Sample>): Sample[] =>
  Array.from({ length: count }, (_, n) => ({ ...FLAT, ...at(n) }));

describe("growth", () => {
  test.each([
    ["a straight line", [1, 3, 5, 7], 6],
    ["nothing", [4, 4, 4], 0],
    ["a tooth", [0, 8, 0, 8, 0], 0],
    ["one number", [5], 0],
  ])("a rise is that of the line through %s", (_, numbers, expected) => {
    expect(rise(numbers)).toBeCloseTo(expected);
  });

  test("what comes and goes, and what warms up, is none", () => {
    expect(growth(samples(60, (n) => ({ rssMib: 100 + Math.min(n, 30) * 3, shims: 2 + (n % 7) })))).toEqual([]);
  });

  test.each([
    ["memory", { rssMib: 1 }, "rssMib"],
    ["descriptors", { descriptors: 0.5 }, "descriptors"],
    ["shims", { shims: 0.2 }, "shims"],
    ["mounts", { mounts: 0.2 }, "mounts"],
    ["the WAL", { walMib: 0.4 }, "walMib"],
  ] as const)("%s that leak are found, slow as they are", (_, leak, name) => {
    const grown = samples(60, (n) =>
      Object.fromEntries(Object.entries(leak).map(([key, each]) => [key, 1 + n * each])),
    );
    expect(growth(grown)).toEqual([expect.stringMatching(`^${name} grows`)]);
  });

  test("too few samples make no line, but none may be above its bound", () => {
    const few = 2 * LINE_SAMPLES - 2;
    expect(growth(samples(few, (n) => ({ descriptors: 34 + n })))).toEqual([]);
    expect(growth(samples(few, (n) => ({ descriptors: n === 3 ? 1_000 : 34 })))).toEqual([
      "descriptors came to 1000, more than 128",
    ]);
  });
});
