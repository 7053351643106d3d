// What a copy makes of which paths, and that no archive and no link leads out of where it belongs: between folders of this machine.
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FolderTree } from "../../../runtime/sys/trees/folder-tree.js";
import { type RawEntry, tarOf } from "../../../test/helpers/tar.js";
import { copyBetween, unpackInto } from "./copy.js";
import { SAME_USERS } from "./id-ranges.js";
import { localSource, localTarget } from "./local.js";
import { parsePath } from "./spot.js";
import { treeSource } from "./tree-source.js";
import { treeTarget } from "./tree-target.js";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-cp-"));
  mkdirSync(join(dir, "src/folder/sub"), { recursive: true });
  mkdirSync(join(dir, "dst/there"), { recursive: true });
  writeFileSync(join(dir, "src/file"), "file");
  writeFileSync(join(dir, "src/folder/sub/deep"), "deep");
  writeFileSync(join(dir, "dst/old"), "old");
  symlinkSync("folder", join(dir, "src/link"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const request = { keepOwners: false };

async function copy(from: string, to: string, followLink = false): Promise<void> {
  using source = await localSource(`${dir}/${from}`, { followLink });
  using target = await localTarget(`${dir}/${to}`);
  await copyBetween(source, target, request);
}

/** Every name below `dst`, without the folder that is always there. */
const names = (): string[] =>
  (readdirSync(join(dir, "dst"), { recursive: true }) as string[]).filter((name) => name !== "there").sort();

describe("paths", () => {
  const cases = [
    ["a file to a new name", "src/file", "dst/new", ["new", "old"]],
    ["a file over a file", "src/file", "dst/old", ["old"]],
    ["a file into a folder", "src/file", "dst/there", ["old", "there/file"]],
    ["a folder to a new name", "src/folder", "dst/new", ["new", "new/sub", "new/sub/deep", "old"]],
    ["a folder to a new name with a slash", "src/folder", "dst/new/", ["new", "new/sub", "new/sub/deep", "old"]],
    [
      "a folder into a folder",
      "src/folder",
      "dst/there",
      ["old", "there/folder", "there/folder/sub", "there/folder/sub/deep"],
    ],
    ["a folder's contents into a folder", "src/folder/.", "dst/there", ["old", "there/sub", "there/sub/deep"]],
    ["a folder's contents to a new name", "src/folder/.", "dst/new", ["new", "new/sub", "new/sub/deep", "old"]],
    ["a link", "src/link", "dst/new", ["new", "old"]],
    ["a link with a slash", "src/link/", "dst/there", ["old", "there/link", "there/link/sub", "there/link/sub/deep"]],
    [
      "by two dots",
      "src/folder/sub/..",
      "dst/there",
      ["old", "there/folder", "there/folder/sub", "there/folder/sub/deep"],
    ],
  ] as const;
  test.each(cases)("%s", async (_, from, to, want) => {
    await copy(from, to);
    expect(names()).toEqual(want);
  });

  test("a link that is followed, or not", async () => {
    await copy("src/link", "dst/plain");
    await copy("src/link", "dst/followed", true);
    expect(readlinkSync(join(dir, "dst/plain"))).toBe("folder");
    expect(readFileSync(join(dir, "dst/followed/sub/deep"), "utf8")).toBe("deep");
  });

  const refusals = [
    ["nothing there", "src/none", "dst/new", "not_found"],
    ["a file where a folder is meant", "src/file/", "dst/new", "failed_precondition"],
    ["no folder for a file", "src/file", "dst/none/", "not_found"],
    ["no folder above", "src/file", "dst/none/new", "not_found"],
    ["a folder over a file", "src/folder", "dst/old", "failed_precondition"],
    ["a file as a folder", "src/file", "dst/old/", "failed_precondition"],
  ] as const;
  test.each(refusals)("%s is refused", async (_, from, to, kind) => {
    await expect(copy(from, to)).rejects.toMatchObject({ kind });
    expect(names()).toEqual(["old"]);
  });
});

/** Unpacks into `dst`, the root of whose tree is `root`. */
async function unpack(entries: readonly RawEntry[], path = "dst", bytes = tarOf(...entries)): Promise<void> {
  using target = await localTarget(`${dir}/${path}`);
  await unpackInto(target, [bytes], request);
}

describe("archives", () => {
  const outside = (): string => readFileSync(join(dir, "src/file"), "utf8");

  const hostile: readonly (readonly [string, readonly RawEntry[]])[] = [
    ["dots", [{ name: "../src/file", body: "evil" }]],
    ["an absolute name", [{ name: "/src/file", body: "evil" }]],
    [
      "a link of its own",
      [
        { name: "l", type: "2", linkName: "../src" },
        { name: "l/file", body: "evil" },
      ],
    ],
    [
      "an absolute link of its own",
      [
        { name: "l", type: "2", linkName: "/" },
        { name: "l/src/file", body: "evil" },
      ],
    ],
    [
      "a hard link out",
      [
        { name: "h", type: "1", linkName: "../src/file" },
        { name: "h", body: "evil" },
      ],
    ],
    [
      "a link in the place of a file",
      [
        { name: "l", type: "2", linkName: "../src/file" },
        { name: "l", body: "evil" },
      ],
    ],
  ];
  test.each(hostile)("lead nowhere: %s", async (_, entries) => {
    await unpack(entries).catch(() => undefined);
    expect(outside()).toBe("file");
    expect(readdirSync(join(dir, "src")).sort()).toEqual(["file", "folder", "link"]);
    expect(readdirSync(dir).sort()).toEqual(["dst", "src"]);
  });

  test("a link that is there already does not lead out of the folder either", async () => {
    symlinkSync("../src", join(dir, "dst/there/out"));
    await unpack([{ name: "there/out/file", body: "evil" }]);
    expect(outside()).toBe("file");
  });

  test("one that is cut short leaves nothing, and what was there", async () => {
    const whole = tarOf(
      { name: "new/", type: "5" },
      { name: "new/a", body: "a" },
      { name: "there/b", body: "b" },
      { name: "there/none/c", body: "c" },
      { name: "last", body: "x".repeat(5000) },
    );
    await expect(unpack([], "dst", whole.subarray(0, whole.length - 4096))).rejects.toMatchObject({
      kind: "invalid_argument",
    });
    expect(names()).toEqual(["old"]);
  });

  test("a folder is not replaced by a file, nor a file by a folder", async () => {
    await expect(unpack([{ name: "there", body: "x" }])).rejects.toMatchObject({ kind: "failed_precondition" });
    await expect(unpack([{ name: "old/", type: "5" }])).rejects.toMatchObject({ kind: "failed_precondition" });
    expect(names()).toEqual(["old"]);
    expect(readFileSync(join(dir, "dst/old"), "utf8")).toBe("old");
  });

  test("without owners nothing gives powers, and the rest is kept", async () => {
    const left: string[] = [];
    using target = await localTarget(join(dir, "dst"));
    const entries: RawEntry[] = [
      { name: "suid", mode: 0o4755, uid: 4321, gid: 4321, body: "x", pax: { "SCHILY.xattr.user.note": "n" } },
      { name: "disk", type: "4", major: 8, minor: 0 },
      { name: "fifo", type: "6", mode: 0o600 },
    ];
    const onLeftOut = (path: string): void => void left.push(path);
    await unpackInto(target, [tarOf(...entries)], { ...request, onLeftOut });
    const { mode, uid, mtimeMs } = lstatSync(join(dir, "dst/suid"));
    expect([(mode & 0o7777).toString(8), uid, mtimeMs]).toEqual(["755", process.getuid?.(), 1_600_000_000_000]);
    expect(lstatSync(join(dir, "dst/fifo")).isFIFO()).toBe(true);
    expect(left).toEqual(["disk"]);
    expect(existsSync(join(dir, "dst/disk"))).toBe(false);
  });
});

describe("a tree of its own", () => {
  const ends = { ids: SAME_USERS.inside, closed: new Set<string>(), followLink: true };
  const open = (): FolderTree => new FolderTree(openSync(join(dir, "dst"), "r"));

  test.each(["/../src/file", "../../src/file", "/there/out/file", "/there/abs/file", "/there/one"])(
    "its links and dots end at its root: %s",
    (path) => {
      symlinkSync("../../src", join(dir, "dst/there/out"));
      symlinkSync(join(dir, "src"), join(dir, "dst/there/abs"));
      symlinkSync(join(dir, "src/file"), join(dir, "dst/there/one"));
      const tree = open();
      const dispose = (): void => tree[Symbol.dispose]();
      expect(() => treeSource({ tree, path: parsePath(path), text: path, ...ends, dispose })).toThrow(/: not found$/);
    },
  );

  test("a link to itself is refused, also as a target", () => {
    symlinkSync("loop", join(dir, "dst/loop"));
    const tree = open();
    const owners = { ids: SAME_USERS.outside, owner: undefined, devices: false };
    const dispose = (): void => tree[Symbol.dispose]();
    expect(() => treeTarget({ tree, path: parsePath("/loop"), text: "x:/loop", owners, dispose })).toThrow(/ELOOP/);
  });
});
