import { once } from "node:events";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { DEFAULT_DETACH_KEYS, DetachKeys, parseDetachKeys } from "./detach-keys.js";

describe("keys to detach with", () => {
  test.each([
    [DEFAULT_DETACH_KEYS, [16, 17]],
    ["ctrl-@", [0]],
    ["ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", [27, 28, 29, 30, 31]],
    ["a,Z,~,DEL", [97, 90, 126, 127]],
    ["CTRL-A", [1]],
    ["", []],
  ])("%s", (keys, bytes) => {
    expect([...parseDetachKeys(keys)]).toEqual(bytes);
  });

  test.each(["ctrl-", "ctrl-ab", "ctrl-1", "esc", "a,,b", "é", "ab"])("%s is none", (keys) => {
    expect(() => parseDetachKeys(keys)).toThrow("is no key to detach with");
  });
});

describe("typing", () => {
  /** What comes through of these pieces, and how often it was left. */
  async function type(keys: string, pieces: readonly string[]): Promise<{ passed: string; detached: number }> {
    let detached = 0;
    const typing = new DetachKeys(parseDetachKeys(keys), () => {
      detached += 1;
    });
    const passed = text(typing);
    for (const piece of pieces) if (!typing.write(piece)) await once(typing, "drain");
    typing.end();
    return { passed: await passed, detached };
  }

  test.each([
    ["nothing special", "ctrl-p,ctrl-q", ["ls\r", "", "é"], "ls\ré", 0],
    ["the keys at once", "ctrl-p,ctrl-q", ["ls\x10\x11"], "ls", 1],
    ["the keys apart", "ctrl-p,ctrl-q", ["ls", "\x10", "\x11", "rm"], "ls", 1],
    ["half of them", "ctrl-p,ctrl-q", ["\x10", "x"], "\x10x", 0],
    ["the first one twice", "ctrl-p,ctrl-q", ["\x10", "\x10", "\x11"], "\x10", 1],
    ["half of them at the end", "ctrl-p,ctrl-q", ["x\x10"], "x\x10", 0],
    ["a beginning inside a beginning", "a,a,b", ["aaab"], "a", 1],
    ["another such", "a,b,a,c", ["ababac"], "ab", 1],
    ["one key", "ctrl-]", ["x\x1dy"], "x", 1],
    ["no keys", "", ["\x10\x11"], "\x10\x11", 0],
  ])("%s", async (_, keys, pieces, passed, detached) => {
    expect(await type(keys, pieces)).toEqual({ passed, detached });
  });
});
