import { describe, expect, test } from "vitest";
import { percentOf, serverOf } from "./image-server.js";

describe("the address of an image server", () => {
  test("has the milestone in the place of the first %d", () => {
    expect(serverOf("https://images.example/%d/%d", 91)).toBe("https://images.example/91/%d");
    expect(serverOf("https://images.example", undefined)).toBe("https://images.example");
  });

  test("needs a milestone that is known", () => {
    expect(() => serverOf("https://images.example/%d", undefined)).toThrow("no milestone is known");
  });
});

test.each([
  { progress: "metadata: 100% (67.74MB/s)", percent: 0 },
  { progress: "rootfs: 7% (8.4MB/s)", percent: 7 },
  { progress: "rootfs: 100% (8.4MB/s)", percent: 100 },
  { progress: "Unpack: 100% (8.4MB/s)", percent: undefined },
  { progress: 7, percent: undefined },
])("$progress means $percent", ({ progress, percent }) => {
  expect(percentOf({ metadata: { download_progress: progress } })).toBe(percent);
});

test("news without progress mean nothing", () => {
  expect(percentOf({ metadata: null })).toBeUndefined();
});
