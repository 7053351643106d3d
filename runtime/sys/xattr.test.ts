// Attributes, device nodes and times of real files, links among them.
import { chmodSync, lstatSync, mkdtempSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requires } from "../../test/helpers/requires.js";
import { makeNode, setTimes } from "./inode.js";
import { getXattr, listXattrs, removeXattr, setXattr } from "./xattr.js";

let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-xattr-"));
  file = join(dir, "file");
  writeFileSync(file, "x");
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

describe("extended attributes", () => {
  test("come, are read, and go", () => {
    expect(listXattrs(file)).toEqual([]);
    setXattr(file, "user.a", Buffer.from([0, 1, 255]));
    setXattr(file, "user.empty", Buffer.alloc(0));
    expect(listXattrs(file).sort()).toEqual(["user.a", "user.empty"]);
    expect(getXattr(file, "user.a")).toEqual(Buffer.from([0, 1, 255]));
    expect(getXattr(file, "user.empty")).toEqual(Buffer.alloc(0));
    expect(getXattr(file, "user.none")).toBeUndefined();
    expect(removeXattr(file, "user.a")).toBe(true);
    expect(removeXattr(file, "user.a")).toBe(false);
  });

  test("may be longer than one try", () => {
    const value = Buffer.alloc(3000, "v");
    setXattr(file, "user.long", value);
    expect(getXattr(file, "user.long")).toEqual(value);
    const names = Array.from({ length: 12 }, (_, index) => `user.${"n".repeat(200)}${index}`);
    for (const name of names.slice(0, 2)) setXattr(file, name, Buffer.from("1"));
    expect(listXattrs(file)).toHaveLength(3);
  });

  // A link has room for root's attributes only.
  test.skipIf(requires.root())("are the link's own", () => {
    const link = join(dir, "link");
    symlinkSync("nowhere", link);
    setXattr(link, "trusted.l", Buffer.from("on the link"));
    expect(getXattr(link, "trusted.l")?.toString()).toBe("on the link");
    expect(readlinkSync(link)).toBe("nowhere");
  });

  test("are had by files whose names may be any bytes", () => {
    const odd = Buffer.concat([Buffer.from(`${dir}/`), Buffer.from([0xff, 0xfe])]);
    writeFileSync(odd, "");
    setXattr(odd, "user.a", Buffer.from("1"));
    expect(listXattrs(odd)).toEqual(["user.a"]);
  });

  test("say why not", () => {
    expect(() => listXattrs(join(dir, "none"))).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(() => setXattr(file, "nospace.a", Buffer.alloc(0))).toThrow(expect.objectContaining({ code: "ENOTSUP" }));
    expect(() => getXattr(`${file}\0`, "user.a")).toThrow(expect.objectContaining({ code: "EINVAL" }));
  });
});

describe("inodes", () => {
  test.skipIf(requires.root())("device nodes are made as stat shows them", () => {
    const node = join(dir, "null");
    makeNode(node, 0o020666, lstatSync("/dev/null").rdev);
    chmodSync(node, 0o666);
    expect(lstatSync(node).isCharacterDevice()).toBe(true);
    expect(lstatSync(node).rdev).toBe(lstatSync("/dev/null").rdev);
    expect(() => makeNode(node, 0o020666, 0)).toThrow(expect.objectContaining({ code: "EEXIST" }));
  });

  test.each([1_700_000_000_123_456_789n, 0n, -1n])("times are set to the nanosecond: %s", (timeNs) => {
    const link = join(dir, "link");
    symlinkSync("nowhere", link);
    for (const path of [file, link]) {
      setTimes(path, timeNs, timeNs);
      const { atimeNs, mtimeNs } = lstatSync(path, { bigint: true });
      expect([atimeNs, mtimeNs]).toEqual([timeNs, timeNs]);
    }
  });
});
