// Copies of trees, compared with what they were made of. Needs root for owners and devices.
import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requires } from "../../../test/helpers/requires.js";
import { makeNode, setTimes } from "../../sys/inode.js";
import { getXattr, listXattrs, setXattr } from "../../sys/xattr.js";
import { copyTree } from "./copy-tree.js";

let dir: string;
let source: string;
let target: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "berth-copy-"));
  [source, target] = [join(dir, "source"), join(dir, "target")];
  mkdirSync(source);
  mkdirSync(target);
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

/** Everything that can be told of each file below, by name. */
function describeTree(root: string, below = "."): Record<string, unknown> {
  const path = join(root, below);
  const stats = lstatSync(path, { bigint: true });
  const { mode, uid, gid, nlink, mtimeNs } = stats;
  const xattrs = listXattrs(path)
    .sort()
    .map((name) => [name, getXattr(path, name)?.toString("hex")]);
  const facts: Record<string, unknown> = { mode, uid, gid, nlink, mtimeNs, xattrs };
  if (stats.isFile()) Object.assign(facts, { text: readFileSync(path, "latin1"), blocks: stats.blocks });
  if (stats.isSymbolicLink()) facts["link"] = readlinkSync(path);
  if (stats.isCharacterDevice() || stats.isBlockDevice()) facts["device"] = stats.rdev;
  const all: Record<string, unknown> = { [below]: facts };
  if (stats.isDirectory()) {
    for (const name of readdirSync(path)) Object.assign(all, describeTree(root, join(below, name)));
  }
  return all;
}

describe.skipIf(requires.root())("a copy of a tree", () => {
  test("has everything that can be seen of it", async () => {
    const at = (name: string): string => join(source, name);
    writeFileSync(at("file"), "text");
    chownSync(at("file"), 1000, 2000);
    chmodSync(at("file"), 0o6751);
    setXattr(at("file"), "user.a", Buffer.from([0, 255]));
    setXattr(at("file"), "security.capability", Buffer.from("0100000200200000000000000000000000000000", "hex"));
    linkSync(at("file"), at("second"));
    symlinkSync("../outside", at("link"));
    linkSync(at("link"), at("second-link"));
    setXattr(at("link"), "trusted.t", Buffer.from("t"));
    mkdirSync(at("folder"));
    mkdirSync(at("folder/deeper"));
    linkSync(at("file"), at("folder/deeper/third"));
    chmodSync(at("folder"), 0o1777);
    setXattr(at("folder"), "user.f", Buffer.from("f"));
    makeNode(at("fifo"), 0o010644, 0);
    makeNode(at("zero"), 0o020666, lstatSync("/dev/zero").rdev);
    makeNode(at("block"), 0o060600, (7 << 8) | 3);
    const socket = createServer().listen(at("socket"));
    for (const name of ["file", "link", "folder/deeper", "folder", "fifo"])
      setTimes(at(name), 5n, 1_234_567_890_123_456_789n);
    chownSync(source, 7, 8);
    setTimes(source, 1n, -5_000_000_001n);

    await copyTree(source, target);
    expect(describeTree(target)).toEqual(describeTree(source));
    const inode = (name: string): bigint => lstatSync(join(target, name), { bigint: true }).ino;
    expect([inode("second"), inode("folder/deeper/third")]).toEqual([inode("file"), inode("file")]);
    expect(inode("file")).not.toBe(lstatSync(at("file"), { bigint: true }).ino);
    await new Promise((resolve) => socket.close(resolve));
  });

  test("keeps holes", async () => {
    const sparse = join(source, "sparse");
    const fd = openSync(sparse, "w");
    writeSync(fd, "begin", 0);
    writeSync(fd, "middle", 50_000_000);
    closeSync(fd);
    truncateSync(sparse, 200_000_000);
    writeFileSync(join(source, "hole"), "");
    truncateSync(join(source, "hole"), 1_000_000);
    await copyTree(source, target);
    const copy = lstatSync(join(target, "sparse"));
    expect(copy.size).toBe(200_000_000);
    expect(copy.blocks * 512).toBeLessThan(1_000_000);
    expect(readFileSync(join(target, "sparse")).equals(readFileSync(sparse))).toBe(true);
    expect(lstatSync(join(target, "hole"))).toMatchObject({ size: 1_000_000, blocks: 0 });
  });

  test("has names that are no text", async () => {
    const name = Buffer.from([0x66, 0xff, 0x0a, 0x80]);
    writeFileSync(Buffer.concat([Buffer.from(`${source}/`), name]), "x");
    await copyTree(source, target);
    expect(readdirSync(Buffer.from(target), { encoding: "buffer" })).toEqual([name]);
  });

  test("of many files leaves this thread free for others", async () => {
    for (let folder = 0; folder < 20; folder++) {
      mkdirSync(join(source, `${folder}`));
      for (let file = 0; file < 50; file++) writeFileSync(join(source, `${folder}/${file}`), "x");
    }
    let turns = 0;
    const ticking = setInterval(() => turns++, 1);
    await copyTree(source, target);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(5);
    expect(Object.keys(describeTree(target))).toHaveLength(1021);
  });

  test("fails when its source does, and when something is in the way", async () => {
    await expect(copyTree(join(dir, "none"), target)).rejects.toThrow(/ENOENT/);
    writeFileSync(join(source, "f"), "1");
    writeFileSync(join(target, "f"), "2");
    await expect(copyTree(source, target)).rejects.toThrow(/EEXIST/);
  });
});
