import { describe, expect, test } from "vitest";
import {
  ALL_PLATFORMS,
  exactPlatforms,
  formatPlatform,
  hostPlatform,
  onlyPlatforms,
  parsePlatform,
} from "./platform.js";

/** Of these the ones that are taken, the best first. */
function taken(wanted: string, ...offered: readonly string[]): string[] {
  const matcher = onlyPlatforms([parsePlatform(wanted)]);
  return offered
    .flatMap((name) => {
      const rank = matcher.rank(parsePlatform(name));
      return rank === undefined ? [] : [{ name, rank }];
    })
    .sort((a, b) => a.rank - b.rank)
    .map(({ name }) => name);
}

describe("platforms", () => {
  test.each([
    ["linux/amd64", "linux/amd64"],
    ["linux/x86_64", "linux/amd64"],
    ["linux/amd64/v1", "linux/amd64"],
    ["Linux/AArch64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/armel", "linux/arm/v6"],
    ["linux/i386", "linux/386"],
    ["arm64", "linux/arm64"],
    ["windows", `windows/${hostPlatform().architecture}`],
  ])("%s is %s", (text, whole) => {
    expect(formatPlatform(parsePlatform(text))).toBe(whole);
  });

  test.each(["", "a/b/c/d", "linux/", "toaster", "linux/am d64"])("%j is refused", (text) => {
    expect(() => parsePlatform(text)).toThrow(/platform/);
  });

  test.each([
    ["linux/amd64", ["linux/386", "linux/arm64", "linux/amd64", "windows/amd64"], ["linux/amd64", "linux/386"]],
    [
      "linux/amd64/v3",
      ["linux/amd64", "linux/amd64/v4", "linux/amd64/v2", "linux/amd64/v3"],
      ["linux/amd64/v3", "linux/amd64/v2", "linux/amd64"],
    ],
    ["linux/arm64", ["linux/arm/v6", "linux/arm/v7", "linux/arm64"], ["linux/arm64", "linux/arm/v7", "linux/arm/v6"]],
    ["linux/arm/v6", ["linux/arm/v7", "linux/arm/v5", "linux/arm/v6"], ["linux/arm/v6", "linux/arm/v5"]],
  ])("%s takes what it can run, its own first", (wanted, offered, want) => {
    expect(taken(wanted, ...offered)).toEqual(want);
  });

  test("what says nothing of a platform suits everybody, after what does", () => {
    const matcher = onlyPlatforms([parsePlatform("linux/amd64")]);
    const [own = 0, none = 0] = [matcher.rank(parsePlatform("linux/386")), matcher.rank(undefined)];
    expect(own).toBeLessThan(none);
    expect(exactPlatforms([parsePlatform("linux/amd64")]).rank(parsePlatform("linux/386"))).toBeUndefined();
    expect(ALL_PLATFORMS.rank(parsePlatform("windows/arm64"))).toBe(0);
  });
});
